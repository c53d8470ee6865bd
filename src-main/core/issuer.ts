/** The port to whatever makes, signs and reads X.509 certificates (RFC 5280). `x509/` implements it; what is wished for is decided in `core/authority`. */

/** What is told of a certificate; all of it is public. */
export interface CertificateFacts {
  subject: string;
  issuer: string;
  /** Upper-case hexadecimal without leading zeros. */
  serial: string;
  /** Fingerprints of the certificate's DER, upper-case hexadecimal: HAProxy tells the first, people compare the second. */
  sha1: string;
  sha256: string;
  /** `EC P-256`, `RSA 2048`. */
  keyType: string;
  /** DNS names and addresses it is good for. */
  names: string[];
  /** Epoch milliseconds. */
  notBefore: number;
  notAfter: number;
}

/** A certificate with its private key, both PEM. The key must be sealed or forgotten at once. */
export interface Issued {
  certificate: string;
  key: string;
  facts: CertificateFacts;
}

/** What an authority may vouch for (RFC 5280, 4.2.1.10). */
export interface Permitted {
  /** A domain and everything below it. */
  domains: readonly string[];
  /** `10.0.0.0/8`, `fc00::/7`. */
  networks: readonly string[];
}

/** A certificate of others as it was read. */
export interface ReadCertificate {
  pem: string;
  facts: CertificateFacts;
  /** It may sign others. */
  authority: boolean;
  /** Places in the list of those whose key has signed it; its own when it signed itself. */
  signedBy: number[];
  /** The key that was given is its own. */
  ownsKey: boolean;
}

export interface Issuer {
  /** A new authority that has signed itself. */
  authority(wish: { name: string; permitted: Permitted; notBefore: number; notAfter: number }): Promise<Issued>;
  /** A certificate for a server, signed by that authority. */
  issue(
    by: { certificate: string; key: string },
    wish: { names: readonly string[]; notBefore: number; notAfter: number },
  ): Promise<Issued>;
  /** Certificate and key in one PEM that nobody trusts, for a server that waits for its own. */
  placeholder(validity: { notBefore: number; notAfter: number }): Promise<string>;
  /** Reads PEM texts of others; the key comes back as PKCS#8. Throws `bad-input` for what is neither certificates nor a key. */
  read(certificates: string, key: string): Promise<{ list: ReadCertificate[]; key: string }>;
}
