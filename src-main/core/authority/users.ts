/** Who serves with which certificate, and what certificates services want made. Pure over the store. */
import { mayVouch, normalName } from '../../contract/certificateNames';
import { certificateOf, routeHost, usualHost } from '../../contract/fronting';
import type { ServiceSpec } from '../../contract/spec';
import type { Store } from '../store';

function eachSpec(store: Store, work: (key: string, spec: ServiceSpec) => void): void {
  for (const { key, revision, removing } of store.all('services')) {
    const spec = removing ? undefined : store.get('revisions', `${key}@${revision}`)?.spec;
    if (spec) work(key, spec);
  }
}

/** Keys of services by the certificate they serve with, sorted. */
export function usersOfCertificates(store: Store): Map<string, string[]> {
  const users = new Map<string, string[]>();
  eachSpec(store, (key, spec) => {
    const name = certificateOf(key, spec);
    if (name !== undefined) users.set(name, [...(users.get(name) ?? []), key].sort());
  });
  return users;
}

/** The certificates that services want made for them: service to names. What the authority may not vouch for is left out. */
export function wantedCertificates(store: Store): Map<string, string[]> {
  const wanted = new Map<string, string[]>();
  eachSpec(store, (key, spec) => {
    if (certificateOf(key, spec) === key) wanted.set(key, namesFor(key, spec));
  });
  return wanted;
}

export function namesFor(key: string, spec: ServiceSpec): string[] {
  const { route, tls } = spec.pilothouse.traffic ?? {};
  const names = [
    ...(route ? [routeHost(key, route)] : []),
    usualHost(key),
    'localhost',
    '127.0.0.1',
    '::1',
    ...spec.ports.flatMap(({ hostIp }) => (hostIp === undefined ? [] : [hostIp])),
    ...(tls?.names ?? []),
  ];
  const good = names.flatMap((name) => normalName(name) ?? []).filter((name) => mayVouch(name));
  return [...new Set(good)].filter((name) => name !== '0.0.0.0' && name !== '::');
}
