/** Who uses a secret: services that are declared with it, and those whose containers still run with it. */
import type { Store } from '../store';

/** Keys of the services, sorted. */
export function usersOf(store: Store, secret: string): string[] {
  const users = new Set<string>();
  const using = (service: string, revision: number): boolean => {
    const sources = store.get('revisions', `${service}@${revision}`)?.parts?.secrets ?? {};
    return Object.values(sources).some((source) => source.name === secret);
  };
  for (const { key, revision, removing } of store.all('services'))
    if (!removing && using(key, revision)) users.add(key);
  for (const { service, revision } of store.all('attempts')) if (using(service, revision)) users.add(service);
  return [...users].sort();
}
