/** Serves contract/api/certificates.ts. */
import type { Clock } from '../../base/clock';
import type { CallHandlers, StreamHandlers } from '../../contract/api';
import type { certificateCalls, certificateStreams } from '../../contract/api/certificates';
import { feed } from '../../contract/feed';
import type { Store } from '../store';
import type { Authority } from './authority';
import { day } from './renewal';

export interface CertificateHandlers {
  calls: CallHandlers<typeof certificateCalls>;
  streams: StreamHandlers<typeof certificateStreams>;
}

const tables = new Set(['certificates', 'authority', 'services', 'revisions', 'attempts']);

export function certificateHandlers(world: { store: Store; clock: Clock; authority: Authority }): CertificateHandlers {
  const { store, clock, authority } = world;
  const answer = async <T>(work: () => T): Promise<T> => Promise.resolve(work());
  return {
    calls: {
      'certificates.list': () => answer(() => authority.list()),
      'certificates.issue': async ({ name, names, days }) =>
        authority.issue(name, { names, ...(days === undefined ? {} : { life: days * day }) }),
      'certificates.import': ({ name, ...given }) => authority.import(name, given),
      'certificates.renew': ({ name }) => authority.renew(name),
      'certificates.remove': async ({ name }) => {
        await authority.remove(name);
        return null;
      },
      'certificates.export': ({ name }) => answer(() => ({ pem: authority.exported(name) })),
      'certificates.authority': ({ replace }) => authority.makeAuthority(replace),
    },
    streams: {
      'certificates.watch': (_input, sink) =>
        feed(sink, {
          clock,
          every: 500,
          changed: (listener) =>
            store.onCommit((changes) => {
              if (changes.some(({ table }) => tables.has(table))) listener(undefined);
            }),
          next: () => authority.list(),
        }),
    },
  };
}
