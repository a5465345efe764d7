/** TLS in the kernel: include/uapi/linux/tls.h. */
import { rowsAt } from './row';

const row = rowsAt('SOL_TLS');

export const tlsOptions = {
  TLS_TX: row(
    'bytes',
    'w',
    'Linux 4.13',
    'a struct tls12_crypto_info_*; getsockopt with its exact length reads the key',
  ),
  TLS_RX: row(
    'bytes',
    'w',
    'Linux 4.17',
    'a struct tls12_crypto_info_*; getsockopt with its exact length reads the key',
  ),
  TLS_TX_ZEROCOPY_RO: row('boolean', 'rw', 'Linux 5.19'),
  TLS_RX_EXPECT_NO_PAD: row('boolean', 'rw', 'Linux 6.0'),
  TLS_TX_MAX_PAYLOAD_LEN: row('unsigned16', 'rw', 'Linux 6.19'),
} as const;
