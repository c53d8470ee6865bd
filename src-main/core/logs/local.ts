/** The store in this thread. */
import type { Signal } from '../../base/lifecycle';
import type { LogHistogram, LogPage, LogPatterns } from '../../contract/api/observe';
import type { AppendBatch, IntakeState } from './ingest/intake';
import { searchFacets, searchHistogram } from './search/counts';
import { searchPage } from './search/page';
import { searchPatterns } from './search/patterns';
import type { LogBudget } from './segment/retention';
import { Vault, type VaultOptions } from './segment/vault';
import type {
  Facet,
  FacetRequest,
  HistogramRequest,
  LogStore,
  PageRequest,
  PatternRequest,
  StoreFigures,
} from './store';

/** Opens the log store on these files. */
export async function openLogStore(options: VaultOptions): Promise<LogStore> {
  return new LocalStore(await Vault.open(options), options);
}

class LocalStore implements LogStore {
  private readonly tools: { vault: Vault; clock: VaultOptions['clock'] };

  constructor(
    private readonly vault: Vault,
    options: VaultOptions,
  ) {
    this.tools = { vault, clock: options.clock };
  }

  state(): Promise<IntakeState> {
    return Promise.resolve(this.vault.state());
  }

  append(batch: AppendBatch): Promise<void> {
    return this.vault.append(batch);
  }

  page(request: PageRequest, signal: Signal): Promise<LogPage> {
    return searchPage(this.tools, request, signal);
  }

  histogram(request: HistogramRequest, signal: Signal): Promise<LogHistogram> {
    return searchHistogram(this.tools, request, signal);
  }

  facets(request: FacetRequest, signal: Signal): Promise<Facet[]> {
    return searchFacets(this.tools, request, signal);
  }

  patterns(request: PatternRequest, signal: Signal): Promise<LogPatterns> {
    return searchPatterns(this.tools, request, signal);
  }

  setBudget(budget: LogBudget): Promise<void> {
    return this.vault.setBudget(budget);
  }

  figures(): Promise<StoreFigures> {
    const { problem } = this.vault;
    const figures: StoreFigures = { bytes: this.vault.bytes, damaged: this.vault.damaged };
    if (problem !== undefined) figures.problem = problem instanceof Error ? problem.message : String(problem);
    return Promise.resolve(figures);
  }

  close(): Promise<void> {
    return this.vault.close();
  }
}
