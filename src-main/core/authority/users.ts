/** Who serves with which certificate, and what certificates services want made. Pure over the store. */
import { mayVouch, normalName } from '../../contract/certificateNames';
import { certificateOf, routeHost, usualHost } from '../../contract/fronting';
import { certificateFiles } from '../../contract/certificateFiles';
import type { CertificateHolder } from '../../contract/api/certificates';
import type { ServiceSpec } from '../../contract/spec';
import type { AttemptRow, CertificateRow, Store } from '../store';

function eachSpec(store: Store, work: (key: string, spec: ServiceSpec) => void): void {
  for (const { key, revision, removing } of store.all('services')) {
    const spec = removing ? undefined : store.get('revisions', `${key}@${revision}`)?.spec;
    if (spec) work(key, spec);
  }
}

/** The spec that a container was made by; the service's own where the container would be made the same by it. */
export function attemptSpec(store: Store, attempt: AttemptRow): ServiceSpec | undefined {
  const service = store.get('services', attempt.service);
  const current = service && store.get('revisions', `${service.key}@${service.revision}`);
  if (current?.hash === attempt.hash) return current.spec;
  return store.get('revisions', `${attempt.service}@${attempt.revision}`)?.spec;
}

/** Who has a certificate as files in its containers: which files, and how many containers have the newest. */
export function holdersOf(store: Store, row: Pick<CertificateRow, 'name' | 'version'>): CertificateHolder[] {
  const holders: CertificateHolder[] = [];
  eachSpec(store, (service, spec) => {
    const bound = certificateFiles(service, spec).filter(({ certificate }) => certificate === row.name);
    if (bound.length === 0) return;
    const running = store
      .all('attempts')
      .filter((attempt) => attempt.service === service && attempt.state === 'started' && !attempt.finished);
    const current = running.filter(({ certificates }) => certificates?.[row.name] === row.version);
    const files = bound.flatMap((one) => one.files.map(({ file }) => file));
    holders.push({ service, files, containers: running.length, current: current.length });
  });
  return holders.sort((one, other) => (one.service < other.service ? -1 : 1));
}

/** Keys of services by the certificate they serve with, sorted. */
export function usersOfCertificates(store: Store): Map<string, string[]> {
  const users = new Map<string, string[]>();
  eachSpec(store, (key, spec) => {
    const own = certificateOf(key, spec);
    const names = new Set(certificateFiles(key, spec).map(({ certificate }) => certificate));
    if (own !== undefined) names.add(own);
    for (const name of names) users.set(name, [...(users.get(name) ?? []), key].sort());
  });
  return users;
}

/** The certificates that services want made for them: service to names. What the authority may not vouch for is left out. */
export function wantedCertificates(store: Store): Map<string, string[]> {
  const wanted = new Map<string, string[]>();
  eachSpec(store, (key, spec) => {
    const inside = certificateFiles(key, spec).some(({ certificate }) => certificate === key);
    // As others on its networks call it.
    const name = key.slice(key.indexOf('/') + 1);
    const more = inside && normalName(name) === name && mayVouch(name) ? [name] : [];
    if (inside || certificateOf(key, spec) === key) wanted.set(key, [...new Set([...namesFor(key, spec), ...more])]);
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
