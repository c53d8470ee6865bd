/** The whole API in one record: what the window, the command line and plugins may ask of the core. */
import type { Disposable, Signal } from '../base/lifecycle';
import { alertCalls, alertStreams } from './api/alerts';
import type { InputOf, ItemOf, OutputOf } from './api/define';
import { autoscaleCalls } from './api/autoscale';
import { certificateCalls, certificateStreams } from './api/certificates';
import { configCalls, configStreams } from './api/config';
import { nodeCalls } from './api/nodes';
import { observeCalls, observeStreams } from './api/observe';
import { queryCalls } from './api/promql';
import { secretCalls, secretStreams } from './api/secrets';
import { stackCalls, stackStreams } from './api/stacks';
import { storageCalls, storageStreams } from './api/storage';
import { systemCalls, systemStreams } from './api/system';
import { trafficCalls, trafficStreams } from './api/traffic';

export const calls = {
  ...stackCalls,
  ...systemCalls,
  ...nodeCalls,
  ...observeCalls,
  ...queryCalls,
  ...trafficCalls,
  ...alertCalls,
  ...autoscaleCalls,
  ...configCalls,
  ...storageCalls,
  ...secretCalls,
  ...certificateCalls,
};
export const streams = {
  ...stackStreams,
  ...systemStreams,
  ...observeStreams,
  ...trafficStreams,
  ...alertStreams,
  ...configStreams,
  ...storageStreams,
  ...secretStreams,
  ...certificateStreams,
};

export type Calls = typeof calls;
export type Streams = typeof streams;
export type CallName = keyof Calls;
export type StreamName = keyof Streams;

/** Who asks, and when they gave up. */
export interface Caller {
  kind: 'window' | 'cli' | 'app';
  signal: Signal;
}

/** Where a stream's handler puts its items. `send` never blocks; `credit` says how many more the reader has asked for. */
export interface Sink<Item> {
  send(item: Item): void;
  credit(): number;
  onCredit(listener: () => void): Disposable;
  end(): void;
  fail(thrown: unknown): void;
}

/** Handlers for a set of calls and streams; rooms provide parts, `app.ts` joins them. */
export type CallHandlers<Table> = {
  [Name in keyof Table]: (input: InputOf<Table[Name]>, caller: Caller) => Promise<OutputOf<Table[Name]>>;
};
export type StreamHandlers<Table> = {
  [Name in keyof Table]: (input: InputOf<Table[Name]>, sink: Sink<ItemOf<Table[Name]>>, caller: Caller) => Disposable;
};

/** The API as the doors serve it. */
export interface Api {
  calls: CallHandlers<Calls>;
  streams: StreamHandlers<Streams>;
}
