/** The local authority: certificates issued, renewed, imported and watched for their end. README.md beside this file tells how. */
export { Authority, type AuthorityOptions } from './authority';
export { CertificateDelivery } from './deliver';
export { filesFor } from './files';
export { certificateHandlers, type CertificateHandlers } from './handlers';
