/**
 * How somebody lets their machine trust the local authority, and takes that back: commands to be run by hand. Pilothouse runs none of
 * them. Sources: certutil (Windows), security(1) (macOS), update-ca-certificates(8), trust(1) of p11-kit, certutil of NSS, Node's manual.
 */

/** The file the certificate is saved to. */
export const authorityFile = 'pilothouse-authority.crt';

export type TrustPlace = 'windows' | 'macos' | 'debian' | 'fedora' | 'browsers' | 'node' | 'curl';

export interface TrustGuide {
  place: TrustPlace;
  trust: string;
  /** Absent where nothing is left behind. */
  forget?: string;
}

/** The common name of `CN=Somebody, O=Somewhere`. */
export function commonName(subject: string): string {
  return /(?:^|, )CN=([^,]+)/.exec(subject)?.[1] ?? subject;
}

/** In the order they are shown; `name` is the authority's common name. */
export function trustGuides(name: string): TrustGuide[] {
  const nick = name.replace(/[^A-Za-z0-9 ]/g, '');
  return [
    {
      place: 'windows',
      trust: `certutil -user -addstore Root ${authorityFile}`,
      forget: `certutil -user -delstore Root "${nick}"`,
    },
    {
      place: 'macos',
      trust: `security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db ${authorityFile}`,
      forget: `security remove-trusted-cert ${authorityFile} && security delete-certificate -c "${nick}"`,
    },
    {
      place: 'debian',
      trust: `sudo cp ${authorityFile} /usr/local/share/ca-certificates/ && sudo update-ca-certificates`,
      forget: `sudo rm /usr/local/share/ca-certificates/${authorityFile} && sudo update-ca-certificates --fresh`,
    },
    {
      place: 'fedora',
      trust: `sudo trust anchor --store ${authorityFile}`,
      forget: `sudo trust anchor --remove ${authorityFile}`,
    },
    {
      place: 'browsers',
      trust: `certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n "${nick}" -i ${authorityFile}`,
      forget: `certutil -d sql:$HOME/.pki/nssdb -D -n "${nick}"`,
    },
    { place: 'node', trust: `NODE_EXTRA_CA_CERTS=${authorityFile} node app.js` },
    { place: 'curl', trust: `curl --cacert ${authorityFile} https://localhost` },
  ];
}
