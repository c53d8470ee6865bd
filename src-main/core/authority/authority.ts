/**
 * The local authority and the certificates we serve with. Level-triggered: whatever happens asks for a round, and a round compares the
 * certificates that services want with those that are there. Acts wait for each other, so that nothing is issued twice. Keys are
 * sealed before they are kept; they are opened one at a time, when they are delivered, and stay nowhere.
 */
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/lifecycle';
import type { Log } from '../../base/log';
import type { Random } from '../../base/random';
import type {
  AuthorityView,
  CertificateHolder,
  CertificatesView,
  CertificateView,
} from '../../contract/api/certificates';
import { mayVouch, normalName, permitted } from '../../contract/certificateNames';
import { fail } from '../../contract/errors';
import type { EventView } from '../../contract/nouns';
import { sentence } from '../../contract/sentence';
import type { Issued, Issuer } from '../issuer';
import type { Sealer } from '../sealer';
import type { AuthorityRow, CertificateRow, Store } from '../store';
import { orderChain } from './chain';
import type { Opener } from './files';
import { authorityLife, backdate, due, renewalTime, sameNames, usualLife } from './renewal';
import { holdersOf, usersOfCertificates, wantedCertificates } from './users';
import { authorityView, certificateView } from './view';

export type Note = (event: Pick<EventView, 'kind' | 'health' | 'words'> & { actor: 'user' | 'system' }) => void;

export interface AuthorityOptions {
  store: Store;
  clock: Clock;
  random: Random;
  log: Log;
  sealer: Sealer;
  issuer: Issuer;
  /** Gives a figure to the metrics room. */
  record: (metric: string, labels: Readonly<Record<string, string>>, sample: { value: number; hold?: number }) => void;
  note: Note;
}

/** Between two rounds, milliseconds. Time may jump (sleep, a clock that is set), so it is looked at often. */
const every = 15_000;
const key = 'authority';
/** The label of the authority in the metric. */
const authorityLabel = 'local authority';

export class Authority {
  private queue: Promise<unknown> = Promise.resolve();
  private asked = false;
  /** Why the last try failed, by name: the same reason is logged once. */
  private readonly told = new Map<string, string>();

  constructor(private readonly options: AuthorityOptions) {}

  /** Begins to issue what services want and to renew what is due. */
  start(): Disposable {
    const { store, clock } = this.options;
    let timer: Disposable | undefined;
    let stopped = false;
    const tick = (): void => {
      this.ask();
      this.measure();
      if (!stopped) timer = clock.timer(every, tick);
    };
    const watch = store.onCommit((changes) => {
      if (changes.some(({ table }) => table === 'services' || table === 'revisions')) this.ask();
    });
    tick();
    return {
      dispose: () => {
        stopped = true;
        timer?.dispose();
        watch.dispose();
      },
    };
  }

  list(): CertificatesView {
    const { store, clock } = this.options;
    const now = clock.now();
    const users = usersOfCertificates(store);
    const authority = store.get('authority', key);
    return {
      ...(authority ? { authority: authorityView(authority, now) } : {}),
      certificates: store
        .all('certificates')
        .map((row) => certificateView(row, this.usedBy(row, users), now))
        .sort((one, other) => (one.name < other.name ? -1 : 1)),
    };
  }

  view(name: string): CertificateView {
    const row = this.row(name);
    const { store, clock } = this.options;
    return certificateView(row, this.usedBy(row, usersOfCertificates(store)), clock.now());
  }

  private usedBy(
    row: CertificateRow,
    users: ReadonlyMap<string, string[]>,
  ): { users: string[]; holders: CertificateHolder[] } {
    return { users: users.get(row.name) ?? [], holders: holdersOf(this.options.store, row) };
  }

  /** What is put into containers. The key leaves it for the moment only. */
  readonly opener: Opener = {
    find: (name) => this.options.store.get('certificates', name),
    key: (row) => this.options.sealer.open(row.key, contextOf(row.name, row.version)),
    vouching: (row) => {
      const authority = this.options.store.get('authority', key);
      if (row.issued && authority && row.issued.authority === authority.facts.sha256) return authority.certificate;
      // Of an imported one: its chain without itself, unless it stands alone.
      const [, ...others] = row.chain.split(/(?=-----BEGIN CERTIFICATE-----)/).filter((text) => text.trim() !== '');
      return others.length > 0 ? others.join('') : row.chain;
    },
  };

  /** Chain and key in one PEM, for a server. Throws `not-found`, or `forbidden` while the vault is locked. */
  open(name: string): string {
    const row = this.row(name);
    return row.chain + this.options.sealer.open(row.key, contextOf(name, row.version));
  }

  /** Chain, and for issued ones the authority; no key. */
  exported(name: string): string {
    const row = this.row(name);
    const authority = this.options.store.get('authority', key);
    return row.issued && row.issued.authority === authority?.facts.sha256
      ? row.chain + authority.certificate
      : row.chain;
  }

  issue(name: string, wish: { names: readonly string[]; life?: number }): Promise<CertificateView> {
    const names = [...new Set(wish.names.map((one) => checkedName(one)))];
    return this.alone(async () => {
      const before = this.options.store.get('certificates', name);
      if (before?.source === 'imported')
        throw fail('conflict', `${name} was imported.`, 'Choose another name, or import its successor.');
      const life = wish.life ?? before?.issued?.life ?? usualLife;
      if (before?.issued && sameNames(before.issued.names, names) && before.issued.life === life)
        throw fail('conflict', `${name} has these names already.`, `Renew it: pilothouse cert renew ${name}`);
      await this.make(name, { names, life });
      this.tell(
        'certificate.issued',
        'user',
        sentence('event.certificateIssued', { certificate: name, names: names.join(', ') }),
      );
      return this.view(name);
    });
  }

  import(name: string, given: { chain: string; key: string }): Promise<CertificateView> {
    return this.alone(async () => {
      const { store, clock, issuer, sealer } = this.options;
      const before = store.get('certificates', name);
      if (before?.source === 'issued')
        throw fail('conflict', `${name} was issued here.`, 'Choose another name, or remove it first.');
      const now = clock.now();
      const read = await issuer.read(given.chain, given.key);
      const { chain, facts } = orderChain(read.list, now);
      const version = (before?.version ?? 0) + 1;
      const sealed = sealer.seal(read.key, contextOf(name, version));
      const row: CertificateRow = {
        ...{ name, source: 'imported', chain, key: sealed, facts, version },
        createdAt: before?.createdAt ?? now,
        updatedAt: now,
      };
      store.transact((transaction) => transaction.put('certificates', name, row));
      const words = sentence('event.certificateImported', { certificate: name, issuer: facts.issuer });
      this.tell('certificate.imported', 'user', words);
      return this.view(name);
    });
  }

  /** A new key and certificate now. */
  renew(name: string): Promise<CertificateView> {
    return this.alone(async () => {
      const { issued, service } = this.row(name);
      if (!issued) throw fail('unsupported', `${name} was imported.`, 'Import its successor by the same name.');
      await this.make(name, { ...issued, ...(service === undefined ? {} : { service }) });
      const words = sentence('event.certificateIssued', { certificate: name, names: issued.names.join(', ') });
      this.tell('certificate.issued', 'user', words);
      return this.view(name);
    });
  }

  remove(name: string): Promise<void> {
    return this.alone(() => {
      const { store } = this.options;
      this.row(name);
      const users = usersOfCertificates(store).get(name) ?? [];
      if (users.length > 0)
        throw fail(
          'conflict',
          `${users.join(', ')} serve with ${name}.`,
          'Take it out of their file and apply it first.',
        );
      store.transact((transaction) => transaction.remove('certificates', name));
      this.tell('certificate.removed', 'user', sentence('event.certificateRemoved', { certificate: name }));
    });
  }

  /** Makes the authority, or another one in its place; a round then issues anew what the one before had issued. */
  makeAuthority(replace: boolean): Promise<AuthorityView> {
    return this.alone(async () => {
      const { store, clock } = this.options;
      const before = store.get('authority', key);
      if (before && !replace) return authorityView(before, clock.now());
      const row = await this.newAuthority();
      if (before) {
        this.tell('authority.replaced', 'user', sentence('event.authorityReplaced'));
        this.ask();
      }
      return authorityView(row, clock.now());
    });
  }

  /** Resolves when everything that was asked for until now is done. */
  async idle(): Promise<void> {
    await this.alone(() => undefined);
  }

  private row(name: string): CertificateRow {
    const row = this.options.store.get('certificates', name);
    if (!row) throw fail('not-found', `There is no certificate ${name}.`, 'See the list: pilothouse cert ls');
    return row;
  }

  private tell(
    kind: string,
    actor: 'user' | 'system',
    words: EventView['words'],
    health: EventView['health'] = 'ok',
  ): void {
    this.options.note({ kind, actor, words, health });
  }

  /** One act after the other. */
  private alone<Result>(work: () => Promise<Result> | Result): Promise<Result> {
    const next = this.queue.then(work);
    this.queue = next.catch(() => undefined);
    return next;
  }

  private ask(): void {
    if (this.asked) return;
    this.asked = true;
    void this.alone(async () => {
      this.asked = false;
      await this.round();
    }).catch((thrown: unknown) => {
      this.options.log('error', 'certificates could not be looked over', { error: reasonOf(thrown) });
    });
  }

  private async round(): Promise<void> {
    const { store, clock } = this.options;
    const wanted = wantedCertificates(store);
    for (const row of store.all('certificates')) {
      if (row.service !== undefined && !wanted.has(row.service))
        store.transact((transaction) => transaction.remove('certificates', row.name));
    }
    for (const [service, names] of wanted) {
      if (!store.get('certificates', service)) await this.attempt(service, { names, life: usualLife, service });
    }
    const authority = store.get('authority', key)?.facts.sha256;
    for (const row of store.all('certificates')) {
      const names = row.service === undefined ? undefined : wanted.get(row.service);
      if (!row.issued || !due(row, { now: clock.now(), authority, ...(names ? { names } : {}) })) continue;
      const { service } = row;
      await this.attempt(row.name, {
        ...row.issued,
        ...(names ? { names } : {}),
        ...(service === undefined ? {} : { service }),
      });
    }
  }

  /** Issues by itself; a failure is kept with the row, and told once. */
  private async attempt(name: string, wish: { names: string[]; life: number; service?: string }): Promise<void> {
    const { store, clock, log } = this.options;
    const before = store.get('certificates', name);
    try {
      await this.make(name, wish);
      this.told.delete(name);
      const told = before
        ? sentence('event.certificateRenewed', { certificate: name })
        : sentence('event.certificateIssued', { certificate: name, names: wish.names.join(', ') });
      this.tell(before ? 'certificate.renewed' : 'certificate.issued', 'system', told);
    } catch (thrown) {
      const reason = reasonOf(thrown);
      if (this.told.get(name) !== reason) log('warn', 'certificate not issued', { certificate: name, error: reason });
      this.told.set(name, reason);
      if (!before) return;
      const failed = { tries: (before.failed?.tries ?? 0) + 1, at: clock.now(), reason };
      store.transact((transaction) => transaction.put('certificates', name, { ...before, failed }));
      if (before.failed) return;
      const words = sentence('event.certificateFailed', { certificate: name, reason });
      this.tell('certificate.failed', 'system', words, 'warning');
    }
  }

  private async make(name: string, wish: { names: string[]; life: number; service?: string }): Promise<void> {
    const { store, clock, random, issuer, sealer } = this.options;
    const { names, life, service } = wish;
    const authority = store.get('authority', key) ?? (await this.newAuthority());
    const now = clock.now();
    // No longer than who vouches for it.
    const notAfter = Math.min(now + life, authority.facts.notAfter);
    if (notAfter <= now) throw fail('conflict', 'The local authority has expired.', 'Replace it.');
    const by = { certificate: authority.certificate, key: sealer.open(authority.key, authorityContext(authority)) };
    const { certificate, facts, key: secret } = await issuer.issue(by, { names, notBefore: now - backdate, notAfter });
    const before = store.get('certificates', name);
    const version = (before?.version ?? 0) + 1;
    const row: CertificateRow = {
      ...{ name, source: 'issued', facts, version },
      ...(service === undefined ? {} : { service }),
      chain: certificate,
      key: sealer.seal(secret, contextOf(name, version)),
      issued: { names, life, authority: authority.facts.sha256, renewAt: renewalTime(now, notAfter, random) },
      createdAt: before?.createdAt ?? now,
      updatedAt: now,
    };
    store.transact((transaction) => transaction.put('certificates', name, row));
  }

  private async newAuthority(): Promise<AuthorityRow> {
    const { store, clock, random, issuer, sealer } = this.options;
    const now = clock.now();
    const mark = Math.floor(random() * 0x10000)
      .toString(16)
      .toUpperCase()
      .padStart(4, '0');
    const issued: Issued = await issuer.authority({
      name: `Pilothouse local authority ${mark}`,
      permitted,
      notBefore: now - backdate,
      notAfter: now + authorityLife,
    });
    const { certificate, facts } = issued;
    const row: AuthorityRow = {
      certificate,
      facts,
      key: sealer.seal(issued.key, authorityContext(issued)),
      createdAt: now,
    };
    const first = !store.get('authority', key);
    store.transact((transaction) => transaction.put('authority', key, row));
    if (first) this.tell('authority.made', 'system', sentence('event.authorityMade'));
    return row;
  }

  /** Seconds that are left, for the alert rule on them. */
  private measure(): void {
    const { store, clock, record } = this.options;
    const hold = every + 5_000;
    const left = (notAfter: number): number => Math.round((notAfter - clock.now()) / 1000);
    for (const { name, facts } of store.all('certificates'))
      record('certificate_expires_seconds', { name }, { value: left(facts.notAfter), hold });
    const authority = store.get('authority', key);
    if (authority)
      record('certificate_expires_seconds', { name: authorityLabel }, { value: left(authority.facts.notAfter), hold });
  }
}

function contextOf(name: string, version: number): string {
  return `certificate ${name} ${version}`;
}

function authorityContext({ facts }: Pick<AuthorityRow, 'facts'>): string {
  return `authority ${facts.sha256}`;
}

function reasonOf(thrown: unknown): string {
  return (thrown instanceof Error ? thrown.message : String(thrown)).slice(0, 300);
}

function checkedName(text: string): string {
  const name = normalName(text);
  if (name === undefined)
    throw fail('bad-input', `${text.slice(0, 100)} is no name for a certificate.`, 'Give a host name or an address.');
  if (!mayVouch(name))
    throw fail(
      'forbidden',
      `The local authority cannot vouch for ${name}.`,
      `It is limited to ${permitted.domains.map((domain) => `.${domain}`).join(', ')} and private networks; import a certificate for other names.`,
    );
  return name;
}
