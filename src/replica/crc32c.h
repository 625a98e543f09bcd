/*
 * CRC-32C (Castagnoli, as RFC 3720 appendix B.4), with the processor's instruction where
 * there is one.
 */
#ifndef SVCD_REPLICA_CRC32C_H
#define SVCD_REPLICA_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues crc over more bytes; start with 0. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);
uint32_t crc32c_by_table(uint32_t crc, const void *data, size_t len); /* the same
									 everywhere; for
									 tests */

#endif
