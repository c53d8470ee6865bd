/** The port to what a volume's files become on this machine. `src-main/archive` implements it on real files. */
import type { Signal } from '../../base/lifecycle';
import type { BackupView, VolumeEntry } from '../../contract/api/storage';
import type { NodeRef } from '../../contract/nouns';
import type { ByteStream } from '../engine';

/** Where volumes are mounted in helpers, and so the first part of every name in a backup. */
export const root = 'pilothouse-data';

/** What lies beside a backup's file. */
export interface Manifest extends BackupView {
  version: 1;
  /** Hash of the tree itself, whatever archive it is in: names, kinds, modes, owners, times, links, contents. */
  tree: string;
  driver: string;
  driverOpts: Record<string, string>;
  labels: Record<string, string>;
}

export type NewBackup = Pick<
  Manifest,
  'id' | 'volume' | 'createdAt' | 'reason' | 'mode' | 'driver' | 'driverOpts' | 'labels'
> & {
  stack?: string;
  node?: NodeRef;
};

export interface Watching {
  /** Bytes so far. */
  progress?: (bytes: number) => void;
  signal?: Signal;
}

/** What was found by walking through a tar. */
export interface Walked {
  tree: string;
  entries: number;
  bytes: number;
}

/** Which folder an image is built from. */
export interface ContextRequest {
  folder: string;
  /** Inside the folder. */
  dockerfile: string;
  /** The Dockerfile's text, instead of the file. */
  inline?: string;
  /** The folder must lie in this one, links followed. */
  within?: string;
}

/** A folder that an image is built from. */
export interface BuildContext {
  entries: number;
  bytes: number;
  /** Where the Dockerfile is in the tar. */
  dockerfile: string;
  tar(): ByteStream;
  /** What lies in it as a short hash: equal for equal contents. */
  mark(): Promise<string>;
}

export interface BackupBox {
  list(): Promise<Manifest[]>;
  /** Packs a volume's tar, reads it back, and only then writes the manifest: what is listed is whole. */
  write(backup: NewBackup, tar: ByteStream, watching: Watching): Promise<Manifest>;
  /** Reads everything and compares it with the manifest. Throws a problem when it is not what it was. */
  verify(id: string, watching: Watching): Promise<Manifest>;
  /** The tar, unpacked piece by piece; a file longer than its manifest says breaks off. */
  open(id: string): ByteStream;
  /** Reads an archive from outside, refuses it or writes it anew as a backup. */
  bring(file: string, backup: NewBackup, watching: Watching): Promise<Manifest>;
  remove(id: string): Promise<void>;
  /** Walks through a volume's tar without keeping it. */
  walk(tar: ByteStream, watching: Watching): Promise<Walked>;
  /** What lies right inside a folder's tar. */
  listFolder(tar: ByteStream): Promise<{ entries: VolumeEntry[]; truncated: boolean }>;
  /** The beginning of a file's tar, as text when it is text; undefined when it is no file. */
  head(tar: ByteStream, most: number): Promise<{ size: number; text?: string; truncated: boolean } | undefined>;
  /** Saves a file (or a folder, as a tar) in a folder of this machine under a name that is free. */
  save(tar: ByteStream, name: string, folder: string | undefined): Promise<{ file: string; bytes: number }>;
  /** A tar with one file. */
  one(name: string, content: string): ByteStream;
}
