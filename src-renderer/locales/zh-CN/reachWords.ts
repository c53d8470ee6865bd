/** The Chinese twin of src-main/contract/reachWords.ts. */
export const reachWords = {
  'reach.tlsAuthority': '{host} 的证书不是由 {path} 中的颁发机构签发的。请将签发它的 ca.pem 放到那里。',
  'reach.tlsExpired': '{host} 的证书已过期。请在那里续期；或校正本机时钟。',
  'reach.tlsEarly': '{host} 的证书尚未生效。请校正两台机器的时钟。',
  'reach.tlsName': '{host} 的证书是为其他名称签发的：{names}。请在地址中使用其中之一，或为 {host} 重新签发。',
  'reach.tlsNoClient': '{host} 要求客户端证书，而 {path} 中没有。请将 cert.pem 和 key.pem 放到那里。',
  'reach.tlsClient': '{host} 不接受 {path} 中的证书。cert.pem 必须由 {host} 信任的颁发机构签发。',
  'reach.tlsOwnExpired': '{path} 中的证书已过期。请放入新的 cert.pem 和 key.pem。',
  'reach.tlsFiles': '{path} 中的证书无法使用：{reason}',
  'reach.tlsNotSpoken': '{host} 的端口 {port} 不使用 TLS。请以 --tlsverify 启动其引擎，或改用 ssh://。',
  'reach.tlsSpoken': '{host} 的端口 {port} 使用 TLS。请指定其证书所在的目录。',
  'reach.sshMissing': '本机没有 ssh 程序。请安装 OpenSSH。',
  'reach.sshUnknown': '此处尚不认识 {host} 的主机密钥。请比对其指纹，然后接受。',
  'reach.sshUnknownKey': '此处尚不认识 {host} 的主机密钥。其指纹为 {fingerprint}（{type}）',
  'reach.sshCompare':
    '请在那台机器上（而非通过此连接）查看：ssh-keygen -lf /etc/ssh/ssh_host_{file}_key.pub。若一致：pilothouse node trust {endpoint} {fingerprint}',
  'reach.sshChanged':
    '{host} 的主机密钥与之前不同：机器被重装，或有人居间。未发送任何内容。若你知道原因，请用 {command} 移除旧密钥，再重新加入。',
  'reach.sshDenied':
    '{host} 不允许 {user} 用 ssh 现有的密钥登录。请用 ssh-copy-id 在那里添加，或用 ssh-add 载入；Pilothouse 无法回答密码提示。',
  'reach.sshNoDocker': '{host} 上没有 docker 程序。请在那里安装 Docker 命令行。',
  'reach.sshNoEngine': '{host} 上的引擎不应答 {user}：它未运行，或 {user} 无权使用',
  'reach.sshNoHost': '名称 {host} 无法解析。请检查拼写和 ~/.ssh/config。',
  'reach.sshClosed': '{host} 上没有 SSH 应答：{reason}',
  'event.hostTrusted': '已接受 {host} 的主机密钥 {fingerprint}',
};
