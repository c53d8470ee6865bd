/** The local authority among its neighbours: the vault's key seals its keys, X.509 comes from Node. */
import type { Clock } from '../base/clock';
import type { Log } from '../base/log';
import type { Random } from '../base/random';
import {
  Authority,
  CertificateDelivery,
  certificateHandlers,
  filesFor,
  type AuthorityOptions,
  type CertificateHandlers,
} from '../core/authority';
import { secretFolder, type Certificates } from '../core/reconcile';
import type { Sealer } from '../core/sealer';
import type { Store } from '../core/store';
import { noteEvent } from '../core/system';
import { openIssuer } from '../x509';

export interface AuthorityParts {
  store: Store;
  clock: Clock;
  random: Random;
  log: Log;
  sealer: Sealer;
  record: AuthorityOptions['record'];
}

export interface OpenAuthority extends CertificateHandlers {
  authority: Authority;
  /** What the gateway needs: chain and key of a certificate, and a worthless one until it has its own. */
  gateway: { open: (name: string) => string; placeholder: () => Promise<string> };
  /** What containers get before they start. */
  certificates: Certificates;
  /** Brings renewed ones to running containers from then on. */
  deliver: () => CertificateDelivery;
}

const hour = 3_600_000;

/** Makes the room; nothing is issued before `authority.start`. */
export function openAuthority(parts: AuthorityParts): OpenAuthority {
  const { store, clock } = parts;
  const issuer = openIssuer();
  const authority = new Authority({
    ...parts,
    issuer,
    note: (event) => noteEvent(store, { ...event, at: clock.now() }),
  });
  let placeholder: Promise<string> | undefined;
  return {
    authority,
    gateway: {
      open: (name) => authority.open(name),
      placeholder: () =>
        (placeholder ??= issuer.placeholder({ notBefore: clock.now() - hour, notAfter: clock.now() + 24 * hour })),
    },
    certificates: { filesFor: (service, spec) => filesFor(authority.opener, service, { spec }) },
    deliver: () =>
      new CertificateDelivery({
        ...parts,
        opener: authority.opener,
        folder: secretFolder,
        onRefused: (words, service) =>
          noteEvent(store, {
            ...{ at: clock.now(), actor: 'system', kind: 'certificate.notTaken', health: 'warning' },
            ...{ words, affects: [service] },
          }),
      }),
    ...certificateHandlers({ store, clock, authority }),
  };
}
