/** Sends one notice and says whether it arrived; never what the other side answered, which is nobody's business here. */
import { sentence, type Sentence } from '../contract/sentence';
import type { Deliver, Delivery, HttpOutgoing, MailOutgoing } from '../core/alerts';
import { addressesOf, resolveName, type Address, type Lookup } from './addresses';
import { TooLate, within } from './deadline';
import { post, type Answer } from './http';
import { sendMail } from './mail';
import { signDingtalk, signFeishu } from './sign';

export interface SenderOptions {
  /** Epoch milliseconds, for signatures. */
  now: () => number;
  lookup?: Lookup;
  /** Milliseconds for a whole delivery. */
  deadline?: number;
}

const usualDeadline = 20_000;
/** Codes by which a service says "too often". */
const tooOften = new Set([130101, 45009, 9499, 11232]);

/** No connection came about. */
const neverBegan = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'ECONNECTION', 'ESOCKET']);

/** Makes the sender. It never rejects. */
export function createSender({ now, lookup = resolveName, deadline = usualDeadline }: SenderOptions): Deliver {
  return async (outgoing, key) => {
    if (outgoing.kind === 'desktop') return failed(false, sentence('notice.noNetwork'));
    const host = outgoing.kind === 'mail' ? outgoing.host : (urlOf(outgoing.url)?.hostname ?? '');
    if (host === '') return failed(false, sentence('notice.badAddress', { address: placeOf(outgoing) }));
    try {
      return await within(deadline, async (signal) => {
        const choice = await addressesOf(host, outgoing.local, lookup);
        if ('refused' in choice)
          return failed(
            false,
            choice.refused === 'local'
              ? sentence('notice.localAddress', { host })
              : sentence('notice.forbiddenAddress', { host }),
          );
        const { addresses } = choice;
        return outgoing.kind === 'mail'
          ? await deliverMail(outgoing, key, { addresses, signal })
          : await deliverHttp(outgoing, key, { addresses, signal, now: now() });
      });
    } catch (thrown) {
      if (thrown instanceof TooLate) return failed(true, sentence('notice.timeout', { host }));
      return failed(true, sentence('notice.unreachable', { host, reason: codeOf(thrown) }));
    }
  };
}

function failed(retry: boolean, words: Sentence): Delivery {
  return { delivered: false, retry, words };
}

function urlOf(text: string): URL | undefined {
  try {
    const url = new URL(text);
    return url.protocol === 'https:' || url.protocol === 'http:' ? url : undefined;
  } catch {
    return undefined;
  }
}

/** Only what is no secret: in a chat's address the path is the password. */
function placeOf(outgoing: HttpOutgoing | MailOutgoing): string {
  return outgoing.kind === 'mail' ? outgoing.host : (/^[a-z]{1,10}:/i.exec(outgoing.url)?.[0] ?? '…');
}

async function deliverHttp(
  outgoing: HttpOutgoing,
  key: string,
  given: { addresses: Address[]; signal: AbortSignal; now: number },
): Promise<Delivery> {
  const { sign, answerCode, headers } = outgoing;
  const { addresses, signal, now } = given;
  const address = sign?.kind === 'dingtalk' ? signDingtalk(outgoing.url, sign.secret, now) : outgoing.url;
  const body = sign?.kind === 'feishu' ? signFeishu(outgoing.body, sign.secret, now) : outgoing.body;
  const url = new URL(address);
  let answer: Answer;
  try {
    answer = await post({
      url,
      addresses,
      body,
      signal,
      wantsAnswer: answerCode !== undefined,
      headers: { 'user-agent': 'Pilothouse', ...headers, 'idempotency-key': key },
    });
  } catch (thrown) {
    // A header that cannot be one does not become one by trying again.
    const hopeless = codeOf(thrown).startsWith('ERR_INVALID');
    return failed(!hopeless, sentence('notice.unreachable', { host: url.hostname, reason: codeOf(thrown) }));
  }
  const { status, text } = answer;
  if (status < 200 || status > 299)
    return failed(
      status >= 500 || status === 429 || status === 408,
      sentence('notice.status', { host: url.hostname, status }),
    );
  const code = answerCode === undefined ? 0 : codeIn(text, answerCode);
  if (code === 0) return { delivered: true };
  return failed(tooOften.has(code), sentence('notice.refusedByService', { host: url.hostname, code }));
}

/** The code in the answer's JSON; -1 when there is none. */
function codeIn(text: string, field: 'errcode' | 'code'): number {
  try {
    const answer = JSON.parse(text) as Record<string, unknown>;
    const code = answer[field] ?? (field === 'code' ? answer['StatusCode'] : undefined);
    return typeof code === 'number' ? code : -1;
  } catch {
    return -1;
  }
}

async function deliverMail(
  mail: MailOutgoing,
  key: string,
  given: { addresses: Address[]; signal: AbortSignal },
): Promise<Delivery> {
  let why = 'ENOTFOUND';
  for (const address of given.addresses) {
    try {
      await sendMail(mail, key, { address, signal: given.signal });
      return { delivered: true };
    } catch (thrown) {
      const code = (thrown as { responseCode?: unknown }).responseCode;
      if (typeof code === 'number')
        // 4yz: later perhaps; 5yz: never.
        return failed(code < 500, sentence('notice.mailRefused', { host: mail.host, reason: String(code) }));
      why = codeOf(thrown);
      // Only where no conversation began is the next address worth a try: else it might be sent twice.
      if (!neverBegan.has(why)) break;
    }
  }
  if (why === 'ETIMEDOUT') return failed(true, sentence('notice.timeout', { host: mail.host }));
  return failed(true, sentence('notice.unreachable', { host: mail.host, reason: why }));
}

/** A word of the platform such as ECONNREFUSED; an error's text may hold what the other side said. */
function codeOf(thrown: unknown): string {
  const own = thrown as { code?: unknown; cause?: { code?: unknown } } | null;
  const code = own?.code ?? own?.cause?.code;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,60}$/.test(code) ? code : 'no answer';
}
