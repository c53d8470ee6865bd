/** What leaves the house: notices in the form that their channel takes. Who sends them is not our business. */
import type { DesktopNotice } from '../../contract/api/alerts';
import type { Sentence } from '../../contract/sentence';

export interface HttpOutgoing {
  kind: 'http';
  url: string;
  headers: Record<string, string>;
  body: string;
  /** Special and private addresses may be reached. */
  local: boolean;
  /** How the request is signed with a secret, as the service demands. */
  sign?: { kind: 'dingtalk' | 'feishu'; secret: string };
  /** The answer's JSON says by a code whether it was taken, whatever the status. */
  answerCode?: 'errcode' | 'code';
}

export interface MailOutgoing {
  kind: 'mail';
  host: string;
  port: number;
  security: 'starttls' | 'tls' | 'none';
  user: string;
  password: string;
  from: string;
  to: string[];
  subject: string;
  text: string;
  html: string;
  local: boolean;
}

export interface DesktopOutgoing {
  kind: 'desktop';
  texts: DesktopNotice['texts'];
  /** Where a click leads in the window. */
  route: string;
}

export type Outgoing = HttpOutgoing | MailOutgoing | DesktopOutgoing;

/** Whether it arrived; `retry` false when trying again makes no sense. `words` say why not, never what the other side answered. */
export type Delivery = { delivered: true } | { delivered: false; retry: boolean; words: Sentence };

/** Sends one. `key` is equal for each try of one notice, so that the other side can tell repetitions. Never rejects. */
export type Deliver = (outgoing: Outgoing, key: string) => Promise<Delivery>;
