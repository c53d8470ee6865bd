/** The items of the config center. */
import { defineStore } from 'pinia';
import type { ConfigItemView } from '../../src-main/contract/api/config';
import { watchList } from './watchList';

export const useConfigItems = defineStore('configItems', () =>
  watchList<ConfigItemView>('config.watch', {}, (row) => row.key),
);
