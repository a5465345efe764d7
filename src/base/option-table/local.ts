/** Unix domain sockets of macOS and FreeBSD: unix(4), sys/un.h. */
import { rowsAt } from './row';

const row = rowsAt('SOL_LOCAL');

export const localOptions = {
  LOCAL_PEERCRED: row(
    'peer-credentials',
    'r',
    'macOS, FreeBSD',
    'Linux has its options of Unix domain sockets at SOL_SOCKET',
  ),
  LOCAL_PEERPID: row('integer', 'r', 'macOS 10.8'),
  LOCAL_PEEREPID: row('integer', 'r', 'macOS 10.8'),
  LOCAL_PEERUUID: row('uuid', 'r', 'macOS 10.8'),
  LOCAL_PEEREUUID: row('uuid', 'r', 'macOS 10.8'),
  LOCAL_PEERTOKEN: row('integers', 'r', 'macOS 10.15', 'an audit_token_t'),
  LOCAL_CREDS: row('boolean', 'rw', 'FreeBSD'),
  LOCAL_CREDS_PERSISTENT: row('boolean', 'rw', 'FreeBSD 13'),
  LOCAL_CONNWAIT: row('boolean', 'rw', 'FreeBSD before 15'),
} as const;
