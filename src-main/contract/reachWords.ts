/** Why an engine on another machine is not reached, and what to do about it. Part of `words`. */
export const reachWords = {
  'reach.tlsAuthority':
    'The certificate of {host} is not signed by the authority in {path}. Put the ca.pem there that signed it.',
  'reach.tlsExpired': 'The certificate of {host} has expired. Renew it there; or set the clock of this machine.',
  'reach.tlsEarly': 'The certificate of {host} is not valid yet. Set the clocks of both machines.',
  'reach.tlsName':
    'The certificate of {host} is made out to other names: {names}. Use one of them in the address, or have it made out to {host}.',
  'reach.tlsNoClient': '{host} asks for a certificate, and {path} has none. Put cert.pem and key.pem there.',
  'reach.tlsClient':
    '{host} does not accept the certificate in {path}. Its cert.pem must be signed by the authority that {host} trusts.',
  'reach.tlsOwnExpired': 'The certificate in {path} has expired. Put a new cert.pem and key.pem there.',
  'reach.tlsFiles': 'The certificates in {path} cannot be used: {reason}',
  'reach.tlsNotSpoken':
    '{host} does not speak TLS on port {port}. Start its engine with --tlsverify, or reach it with ssh://.',
  'reach.tlsSpoken': '{host} speaks TLS on port {port}. Name the folder with its certificates.',
  'reach.sshMissing': 'The program ssh is not on this machine. Install OpenSSH.',
  'reach.sshUnknown': 'The host key of {host} is not known here. Compare its fingerprint, then accept it.',
  'reach.sshUnknownKey': 'The host key of {host} is not known here. Its fingerprint is {fingerprint} ({type})',
  'reach.sshCompare':
    'See on that machine, not through this connection: ssh-keygen -lf /etc/ssh/ssh_host_{file}_key.pub. If it is the same: pilothouse node trust {endpoint} {fingerprint}',
  'reach.sshChanged':
    'The host key of {host} is another one than before: it was set up anew, or somebody stands between. Nothing was sent. If you know why, remove the old key with {command}, and join again.',
  'reach.sshDenied':
    '{host} does not let {user} in with the keys that ssh has. Add one there with ssh-copy-id, or load it with ssh-add; Pilothouse cannot answer a password prompt.',
  'reach.sshNoDocker': 'There is no docker program on {host}. Install Docker’s command line there.',
  'reach.sshNoEngine': 'The engine on {host} does not answer {user}: it is not running, or {user} may not use it',
  'reach.sshNoHost': 'The name {host} leads nowhere. Look at its spelling, and at ~/.ssh/config.',
  'reach.sshClosed': 'Nothing answers as SSH at {host}: {reason}',
  'event.hostTrusted': 'The host key {fingerprint} of {host} was accepted',
};
