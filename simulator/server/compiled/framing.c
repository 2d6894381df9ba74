/* Framing: where requests begin and end in what a socket received, and what goes around an answer.

   A frame is answered here only when Python's framer would have cut it exactly so.  MBAP tells every length.  RTU
   tells it for the eight functions answered here; from the first byte on that is not the beginning of such a frame,
   whole and with a right CRC, everything is Python's. */

#include "turn.h"

#include <string.h>

#include "crc16.h"

/* The length of the answer to an ADU, 0 when it is Python's. */
static size_t answer_mbap(Station *station, const uint8_t *adu, size_t size, uint8_t *out)
{
    size_t length = answer(station, adu[6], adu + HEADER, size - HEADER, out + HEADER);
    if (length == 0)
        return 0;
    memcpy(out, adu, HEADER);
    out[4] = 0;
    out[5] = (uint8_t)(length + 1);
    return HEADER + length;
}

static bool is_lost(const uint8_t *adu)
{
    unsigned length = word(adu + 4);
    return word(adu + 2) != 0 || length < MIN_LENGTH || length > MAX_LENGTH;
}

Cut cut_mbap(Station *station, const uint8_t *data, size_t size, uint8_t *out)
{
    Cut done = {0, 0, 0};
    bool plain = true;
    while (size - done.tail >= HEADER) {
        const uint8_t *adu = data + done.tail;
        if (is_lost(adu)) {
            done.tail = size; /* Python says so and closes */
            break;
        }
        size_t length = 6 + word(adu + 4);
        if (size - done.tail < length)
            break;
        done.tail += length;
        size_t bytes = plain ? answer_mbap(station, adu, length, out + done.answered) : 0;
        if (bytes) {
            done.answered += bytes;
            done.left = done.tail;
        } else {
            plain = false;
        }
    }
    return done;
}

/* The size of the RTU frame of a request that begins here, 0 when it is not known or not answered here. */
static size_t rtu_size(const uint8_t *data, size_t size)
{
    if (size < SHORTEST_PDU + RTU_OVERHEAD)
        return 0;
    unsigned code = data[1];
    if (code >= 1 && code <= 6)
        return SHORTEST_PDU + RTU_OVERHEAD;
    return code == 15 || code == 16 ? 6u + data[6] + RTU_OVERHEAD : 0;
}

/* The length of the answer to a frame, 0 when it is Python's. */
static size_t answer_rtu(Station *station, const uint8_t *frame, size_t size, uint8_t *out)
{
    if (crc16(frame, size, CRC16_START) != 0)
        return 0;
    size_t length = answer(station, frame[0], frame + 1, size - RTU_OVERHEAD, out + 1);
    if (length == 0)
        return 0;
    out[0] = frame[0];
    unsigned crc = crc16(out, 1 + length, CRC16_START);
    out[1 + length] = (uint8_t)crc;
    out[2 + length] = (uint8_t)(crc >> 8);
    return length + RTU_OVERHEAD;
}

Cut cut_rtu(Station *station, const uint8_t *data, size_t size, uint8_t *out)
{
    Cut done = {0, 0, size};
    while (done.left < size) {
        const uint8_t *frame = data + done.left;
        size_t length = rtu_size(frame, size - done.left);
        if (length == 0 || length > size - done.left)
            break;
        size_t bytes = answer_rtu(station, frame, length, out + done.answered);
        if (bytes == 0)
            break;
        done.answered += bytes;
        done.left += length;
    }
    return done;
}

Cut cut_datagram(Station *station, const uint8_t *data, size_t size, uint8_t *out)
{
    if (!station->rtu)
        return cut_mbap(station, data, size, out);
    Cut done = {0, 0, size};
    if (size && rtu_size(data, size) == size) /* the CRC over the whole decides */
        done.answered = answer_rtu(station, data, size, out);
    done.left = done.answered ? size : 0;
    return done;
}

void prepare_framing(void) { crc16_prepare(); }
