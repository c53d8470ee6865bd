/** How a call or a stream is declared: its input's schema, and its output's type. Inputs are parsed at the door; outputs are ours. */
import type { z } from 'zod';

/** A request with one answer. `act` changes something and is refused in rescue mode; `read` does not. */
export interface Call<Input extends z.ZodType, Output> {
  kind: 'read' | 'act';
  input: Input;
  readonly _output?: Output;
}

/** A subscription. `state` streams may merge items but never lose the last one; `flow` streams drop and count when credit runs out. */
export interface Stream<Input extends z.ZodType, Item> {
  kind: 'state' | 'flow';
  input: Input;
  readonly _item?: Item;
}

export function read<Output>(): <Input extends z.ZodType>(input: Input) => Call<Input, Output> {
  return (input) => ({ kind: 'read', input });
}

export function act<Output>(): <Input extends z.ZodType>(input: Input) => Call<Input, Output> {
  return (input) => ({ kind: 'act', input });
}

export function state<Item>(): <Input extends z.ZodType>(input: Input) => Stream<Input, Item> {
  return (input) => ({ kind: 'state', input });
}

export function flow<Item>(): <Input extends z.ZodType>(input: Input) => Stream<Input, Item> {
  return (input) => ({ kind: 'flow', input });
}

/** The parsed input of a call or stream. */
export type InputOf<T> = T extends { input: infer Input extends z.ZodType } ? z.output<Input> : never;
/** What a caller may pass. */
export type ArgumentOf<T> = T extends { input: infer Input extends z.ZodType } ? z.input<Input> : never;
/** The answer of a call. */
export type OutputOf<T> = T extends Call<z.ZodType, infer Output> ? Output : never;
/** The items of a stream. */
export type ItemOf<T> = T extends Stream<z.ZodType, infer Item> ? Item : never;
