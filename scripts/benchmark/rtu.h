/* RTU framing for the load: an MBAP ADU in, the same with a CRC out, and back.
 *
 * Answers are brought into the shape of MBAP, with the transaction id of the request they belong to, so that
 * the judgement is the same.
 */
#ifndef RTU_H
#define RTU_H

#include <stdint.h>
#include <string.h>

#include "frames.h"

#define RTU_LEAST 5 /* bytes of the shortest answer: an exception */

static unsigned rtu_crc(const uint8_t *data, int size)
{
    static uint16_t table[256];
    unsigned crc = 0xFFFF;
    if (!table[1])
        for (unsigned byte = 0; byte < 256; byte++) {
            unsigned value = byte;
            for (int bit = 0; bit < 8; bit++)
                value = value >> 1 ^ (value & 1 ? 0xA001 : 0);
            table[byte] = (uint16_t)value;
        }
    for (int i = 0; i < size; i++)
        crc = crc >> 8 ^ table[(crc ^ data[i]) & 0xFF];
    return crc;
}

/* Change an ADU in place; returns its new size. */
static int rtu_wrap(uint8_t *at, int size)
{
    memmove(at, at + 6, (size_t)size - 6);
    unsigned crc = rtu_crc(at, size - 6);
    at[size - 6] = (uint8_t)crc;
    at[size - 5] = (uint8_t)(crc >> 8);
    return size - 4;
}

/* The size of the answer that begins here, of which RTU_LEAST bytes are there. */
static int rtu_size(const uint8_t *at)
{
    if (at[1] & 0x80)
        return 5;
    return at[1] <= 4 ? 5 + at[2] : 8;
}

/* Change an answer into an ADU; returns its size, 0 when the CRC is wrong. */
static int rtu_unwrap(const uint8_t *at, int size, uint16_t transaction, uint8_t *out)
{
    if (rtu_crc(at, size))
        return 0;
    put16(out, transaction);
    put16(out + 2, 0);
    put16(out + 4, (unsigned)size - 2);
    memcpy(out + 6, at, (size_t)size - 2);
    return size + 4;
}

#endif
