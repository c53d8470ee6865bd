/** The Node side of `core/issuer.ts`: keys by Web Crypto, certificates by @peculiar/x509, others' read with Node's own X.509. */
export { openIssuer } from './issuer';
