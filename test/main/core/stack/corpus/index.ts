import { applications } from './applications';
import { merging } from './merging';
import { shapes } from './shapes';

export type { ComposeCase } from './case';

/** Every good project. */
export const corpus = [...shapes, ...merging, ...applications];
