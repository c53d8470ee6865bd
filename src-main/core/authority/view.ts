/** Rows as they are shown: everything but the keys. Pure. */
import type { AuthorityView, CertificateHolder, CertificateView } from '../../contract/api/certificates';
import { permitted } from '../../contract/certificateNames';
import type { AuthorityRow, CertificateRow } from '../store';
import { authorityStanding, standing } from './renewal';

export function certificateView(
  row: CertificateRow,
  by: { users: string[]; holders: CertificateHolder[] },
  now: number,
): CertificateView {
  const { name, source, service, facts, issued, version, createdAt, updatedAt } = row;
  const { subject, issuer, serial, sha256, keyType, notBefore, notAfter } = facts;
  return {
    ...{
      name,
      source,
      names: issued?.names ?? facts.names,
      subject,
      issuer,
      serial,
      sha256,
      keyType,
      notBefore,
      notAfter,
    },
    ...(service === undefined ? {} : { service }),
    ...(issued ? { renewAt: issued.renewAt } : {}),
    ...standing(row, now),
    ...{ ...by, version, createdAt, updatedAt },
  };
}

export function authorityView(row: AuthorityRow, now: number): AuthorityView {
  const { subject, serial, sha256, notBefore, notAfter } = row.facts;
  return {
    ...{ subject, serial, sha256, notBefore, notAfter, certificate: row.certificate },
    permitted: [...permitted.domains.map((domain) => `.${domain}`), ...permitted.networks],
    ...authorityStanding(row, now),
  };
}
