/** What Compose can say and Pilothouse or a Docker engine cannot do. It is named as a warning at plan time, never dropped in silence. */
import type { WordCode } from '../../contract/sentence';
import type { Cursor } from './cursor';

const fields: Record<string, WordCode> = {
  attach: 'compose.cliOnly',
  cpu_count: 'compose.windowsOnly',
  cpu_percent: 'compose.windowsOnly',
  cpu_rt_period: 'compose.ignored',
  cpu_rt_runtime: 'compose.ignored',
  credential_spec: 'compose.windowsOnly',
  develop: 'compose.noDevelop',
  external_links: 'compose.noExternalLinks',
  isolation: 'compose.windowsOnly',
  models: 'compose.noModels',
  post_start: 'compose.noHooks',
  pre_stop: 'compose.noHooks',
  pull_refresh_after: 'compose.ignored',
  use_api_socket: 'compose.noApiSocket',
};

/** Warns about every such field of a service that is given. */
export function warnUnsupported(service: Cursor): void {
  for (const [field, code] of Object.entries(fields)) {
    const value = service.get(field);
    if (!value.given || (field === 'use_api_socket' && value.text() === 'false')) continue;
    service.report.warning(code, { field }, service.keySpot(field));
  }
}
