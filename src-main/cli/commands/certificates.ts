/** cert ls, issue, import, renew, export, rm, trust. Keys come from files, never from argv, and none ever goes out. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { longestPem, type CertificateView } from '../../contract/api/certificates';
import { fail } from '../../contract/errors';
import { say } from '../../contract/sentence';
import { authorityFile, commonName, trustGuides } from '../../contract/trust';
import { UsageError, type Command, type Context } from '../command';
import { duration, harmless } from '../format';

export const certificateList: Command = {
  verb: 'cert ls',
  usage: '',
  summary: 'The certificates, how long they are good, and who serves with them',
  async run(context) {
    const view = await (await context.client()).call('certificates.list', {});
    const { out } = context;
    const now = context.world.now();
    out.value(view);
    out.table<CertificateView>(
      view.certificates,
      [
        { title: 'CERTIFICATE', text: (row) => harmless(row.name, true) },
        { title: 'STATE', text: (row) => out.state(row.health, say(row.words)) },
        { title: 'NAMES', text: (row) => harmless(row.names.join(', '), true) },
        { title: 'ISSUER', text: (row) => (row.source === 'issued' ? 'local authority' : harmless(row.issuer, true)) },
        { title: 'RENEWED IN', text: (row) => renewal(row, now), right: true },
        { title: 'USED BY', text: (row) => harmless(row.users.join(', ') || '–', true) },
      ],
      'There are no certificates. A service with x-pilothouse.traffic.tls gets one by itself, or: pilothouse cert issue NAME HOST…',
    );
    if (view.authority) out.line(out.state(view.authority.health, `Local authority: ${say(view.authority.words)}`));
  },
};

export const certificateIssue: Command = {
  verb: 'cert issue',
  usage: 'NAME HOST… [--days N]',
  summary: 'Issue a certificate by the local authority for these names and addresses',
  options: { days: { type: 'string' } },
  async run(context) {
    const [name, ...names] = context.words;
    if (name === undefined || names.length === 0)
      throw new UsageError('Say what to call it, and the names it is for: cert issue web web.localhost 127.0.0.1');
    const days = context.count('days', 1);
    const client = await context.client();
    const made = await client.call('certificates.issue', { name, names, ...(days === undefined ? {} : { days }) });
    tell(context, made, 'issued');
  },
};

export const certificateImport: Command = {
  verb: 'cert import',
  usage: 'NAME --chain PATH --key PATH',
  summary: "Keep somebody else's certificate: PEM files of its chain and its key",
  options: { chain: { type: 'string' }, key: { type: 'string' } },
  async run(context) {
    const name = context.word('certificate');
    const [chain, key] = [fileOf(context, 'chain'), fileOf(context, 'key')];
    tell(context, await (await context.client()).call('certificates.import', { name, chain, key }), 'imported');
  },
};

export const certificateRenew: Command = {
  verb: 'cert renew',
  usage: 'NAME',
  summary: 'Issue the next one now, with a new key; no connection is cut',
  async run(context) {
    const name = context.word('certificate');
    tell(context, await (await context.client()).call('certificates.renew', { name }), 'renewed');
  },
};

export const certificateExport: Command = {
  verb: 'cert export',
  usage: '[NAME | --authority] [--output PATH]',
  summary: "A certificate with its chain, or the local authority's, as PEM; never a key",
  options: { authority: { type: 'boolean' }, output: { type: 'string', short: 'o' } },
  async run(context) {
    const client = await context.client();
    const pem = context.flag('authority')
      ? (await client.call('certificates.list', {})).authority?.certificate
      : (await client.call('certificates.export', { name: context.word('certificate') })).pem;
    if (pem === undefined) throw noAuthority();
    const output = context.text('output');
    context.out.value({ pem });
    if (output === undefined) return context.out.line(pem.trimEnd());
    writeFileSync(resolve(context.world.folder, output), pem);
    context.out.line(`Written to ${output}`);
  },
};

export const certificateRemove: Command = {
  verb: 'cert rm',
  usage: 'NAME',
  summary: 'Remove a certificate that nobody serves with',
  async run(context) {
    const name = context.word('certificate');
    context.out.value(await (await context.client()).call('certificates.remove', { name }));
    context.out.line(`${name} is gone`);
  },
};

export const certificateTrust: Command = {
  verb: 'cert trust',
  usage: '',
  summary: 'How to let this machine trust the local authority, and how to take that back; nothing is changed',
  async run(context) {
    const { authority } = await (await context.client()).call('certificates.list', {});
    if (!authority) throw noAuthority();
    const guides = trustGuides(commonName(authority.subject));
    const { out } = context;
    out.value({ authority, guides });
    out.line(`${authority.subject}`);
    out.line(`SHA-256 ${authority.sha256}`);
    out.line(`It can vouch for ${authority.permitted.join(', ')} and nothing else.`);
    out.line(`\nSave it first: pilothouse cert export --authority --output ${authorityFile}`);
    for (const { place, trust, forget } of guides) {
      out.line(`\n${out.paint('bold', places[place])}\n  ${trust}`);
      if (forget) out.line(out.paint('grey', `  and back: ${forget}`));
    }
  },
};

const places = {
  windows: 'Windows (your account; browsers and most programs)',
  macos: 'macOS (your login keychain)',
  debian: 'Debian, Ubuntu (system-wide)',
  fedora: 'Fedora, RHEL, Arch (system-wide)',
  browsers: 'Chrome and Chromium on Linux',
  node: 'One Node program, without trusting it elsewhere',
  curl: 'One request of curl',
} as const;

function renewal(row: CertificateView, now: number): string {
  if (row.renewAt === undefined) return 'never';
  return row.renewAt <= now ? 'now' : duration(row.renewAt - now);
}

function tell(context: Context, view: CertificateView, did: string): void {
  context.out.value(view);
  const until = new Date(view.notAfter).toISOString().slice(0, 10);
  context.out.line(`${view.name} is ${did} for ${harmless(view.names.join(', '), true)}, good until ${until}`);
  if (view.users.length > 0) context.out.line(`${harmless(view.users.join(', '), true)} serve with it from now on`);
}

function fileOf(context: Context, option: 'chain' | 'key'): string {
  const given = context.text(option);
  if (given === undefined) throw new UsageError(`Say where the ${option} is: --${option} PATH.`);
  const path = resolve(context.world.folder, given);
  try {
    if (statSync(path).size > longestPem) throw fail('too-large', `${path} is longer than ${longestPem} bytes.`);
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown) throw fail('not-found', `${path} cannot be read.`);
    throw thrown;
  }
}

function noAuthority(): Error {
  return fail(
    'not-found',
    'There is no local authority yet.',
    'It is made with the first certificate: pilothouse cert issue NAME HOST…',
  );
}
