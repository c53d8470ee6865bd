/** config export, config import: the config center as a file. */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { UsageError, type Command } from '../command';

/** What every zip begins with (APPNOTE.TXT, 4.3.7), or an empty one (4.3.16). */
const zipSignature = /^PK(?:\x03\x04|\x05\x06)/; // eslint-disable-line no-control-regex -- the signature is made of them

export const configExport: Command = {
  verb: 'config export',
  usage: '[--output FILE] [NAMESPACE]',
  summary: 'Items with their drafts and active texts as JSON, or as plain files in a zip when FILE ends in .zip',
  options: { output: { type: 'string', short: 'o' } },
  async run(context) {
    const [namespace, ...more] = context.words;
    if (more.length > 0) throw new UsageError('One namespace at a time.');
    const input = namespace === undefined ? {} : { namespace };
    const output = context.text('output');
    const client = await context.client();
    if (output === undefined) return context.out.line((await client.call('config.export', input)).text.trimEnd());
    const file = resolve(context.world.folder, output);
    if (output.endsWith('.zip')) {
      const { content } = await client.call('config.exportZip', input);
      writeFileSync(file, Buffer.from(content, 'base64'));
    } else writeFileSync(file, (await client.call('config.export', input)).text);
    context.out.value({ file });
    context.out.line(`${output} written`);
  },
};

export const configImport: Command = {
  verb: 'config import',
  usage: '[--namespace NAMESPACE] [--dry-run] FILE',
  summary: 'Makes drafts of an export, JSON or zip, also of one by Nacos; nothing is released',
  options: { namespace: { type: 'string' }, 'dry-run': { type: 'boolean' } },
  async run(context) {
    const bytes = readFileSync(resolve(context.world.folder, context.word('file')));
    const apply = !context.flag('dry-run');
    const client = await context.client();
    const zipped = zipSignature.test(bytes.toString('latin1', 0, 4));
    const namespace = context.text('namespace');
    const { steps, problems } = zipped
      ? await client.call('config.importZip', {
          content: bytes.toString('base64'),
          apply,
          ...(namespace === undefined ? {} : { namespace }),
        })
      : await client.call('config.import', { text: bytes.toString('utf8'), apply });
    context.out.value({ steps, problems });
    for (const problem of problems) context.out.warning(problem);
    for (const { act, key } of steps) if (act !== 'same') context.out.line(`${act} ${key}`);
    if (problems.length > 0) return 1;
    context.out.line(apply ? 'Drafts are kept; nothing is released.' : 'Nothing was changed.');
    return undefined;
  },
};
