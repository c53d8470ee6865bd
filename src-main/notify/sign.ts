/** How DingTalk and Feishu want a request signed; each in its own way. */
import { createHmac } from 'node:crypto';

function hmac(key: string, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64');
}

/** DingTalk: time in milliseconds and signature as parameters of the address. */
export function signDingtalk(address: string, secret: string, now: number): string {
  const url = new URL(address);
  url.searchParams.set('timestamp', String(now));
  url.searchParams.set('sign', hmac(secret, `${now}\n${secret}`));
  return url.href;
}

/** Feishu: time in seconds and signature in the body; the text is the key, and nothing is what it signs. */
export function signFeishu(body: string, secret: string, now: number): string {
  const timestamp = String(Math.floor(now / 1000));
  const content = JSON.parse(body) as Record<string, unknown>;
  return JSON.stringify({ timestamp, sign: hmac(`${timestamp}\n${secret}`, ''), ...content });
}
