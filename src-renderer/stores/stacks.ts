/** The declared stacks. */
import { defineStore } from 'pinia';
import type { StackView } from '../../src-main/contract/nouns';
import { watchList } from './watchList';

export const useStacks = defineStore('stacks', () => watchList<StackView>('stacks.watch', {}, (row) => row.name));
