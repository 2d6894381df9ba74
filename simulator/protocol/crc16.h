/* The CRC of RTU frames (Modbus over Serial Line V1.02 6.2.2), eight bytes a step.

   `crc16_tables[n][b]` is the CRC of the byte b and n zero bytes behind it, from 0; being linear, the CRC of eight
   bytes is the XOR of eight such entries. */

#ifndef MODSIM_CRC16_H
#define MODSIM_CRC16_H

#include <stddef.h>
#include <stdint.h>

enum { CRC16_START = 0xFFFF, CRC16_POLYNOMIAL = 0xA001 };

static uint16_t crc16_tables[8][256];

/* To be called once, before the first `crc16`. */
static inline void crc16_prepare(void)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        unsigned crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? CRC16_POLYNOMIAL : 0);
        crc16_tables[0][byte] = (uint16_t)crc;
    }
    for (int zeros = 1; zeros < 8; zeros++)
        for (unsigned byte = 0; byte < 256; byte++) {
            unsigned crc = crc16_tables[zeros - 1][byte];
            crc16_tables[zeros][byte] = (uint16_t)(crc >> 8 ^ crc16_tables[0][crc & 0xFF]);
        }
}

static inline unsigned crc16(const uint8_t *data, size_t size, unsigned crc)
{
    for (; size >= 8; size -= 8, data += 8)
        crc = crc16_tables[7][(data[0] ^ crc) & 0xFF] ^ crc16_tables[6][(data[1] ^ crc >> 8) & 0xFF] ^
              crc16_tables[5][data[2]] ^ crc16_tables[4][data[3]] ^ crc16_tables[3][data[4]] ^
              crc16_tables[2][data[5]] ^ crc16_tables[1][data[6]] ^ crc16_tables[0][data[7]];
    for (; size; size--, data++)
        crc = crc >> 8 ^ crc16_tables[0][(data[0] ^ crc) & 0xFF];
    return crc;
}

#endif
