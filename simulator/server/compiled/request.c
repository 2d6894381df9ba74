/* One request: from its PDU to the PDU of its answer, for the eight function codes of reading and writing. */

#include "turn.h"

#include <string.h>

/* V1.1b3 6.1 to 6.4, 6.11, 6.12 */
enum { MAX_READ_BITS = 2000, MAX_READ_REGISTERS = 125, MAX_WRITE_BITS = 1968, MAX_WRITE_REGISTERS = 123 };

/* Where a range begins in the device's row, or NULL when it does not exist as a whole, is not open to plain writes
   (`writing`) or would leave the buffer.  `shift` is the first bit's place in its byte. */
static uint8_t *place_of(const Entry *entry, int which, unsigned address, unsigned quantity, bool writing,
                         unsigned *shift)
{
    const Table *table = &entry->layout->tables[which];
    int stop = (int)(address + quantity);
    if (address >= table->addresses || stop > table->stops[address])
        return NULL;
    if (writing && (address >= table->open_addresses || stop > table->open_stops[address]))
        return NULL;
    if (table->columns[address] < 0)
        return NULL;
    size_t column = (size_t)table->columns[address], start, bytes;
    if (which <= DISCRETE_INPUTS) {
        *shift = column & 7;
        start = entry->bases[which] + (column >> 3);
        bytes = (*shift + quantity + 7) >> 3;
    } else {
        start = entry->bases[which] + 2 * column;
        bytes = 2 * (size_t)quantity;
    }
    if (start > table->size || bytes > table->size - start)
        return NULL;
    return table->cells + start;
}

static void copy_bits_out(uint8_t *to, const uint8_t *from, unsigned shift, unsigned quantity)
{
    unsigned bytes = (quantity + 7) >> 3, span = (shift + quantity + 7) >> 3;
    if (shift == 0) {
        memcpy(to, from, bytes);
    } else {
        for (unsigned index = 0; index + 1 < span; index++)
            to[index] = (uint8_t)(from[index] >> shift | from[index + 1] << (8 - shift));
        if (span == bytes)
            to[bytes - 1] = (uint8_t)(from[bytes - 1] >> shift);
    }
    if (quantity & 7)
        to[bytes - 1] &= (uint8_t)((1u << (quantity & 7)) - 1);
}

static void copy_bits_in(uint8_t *to, const uint8_t *from, unsigned shift, unsigned quantity)
{
    for (unsigned index = 0; 8 * index < quantity; index++) {
        unsigned width = quantity - 8 * index < 8 ? quantity - 8 * index : 8;
        unsigned mask = ((1u << width) - 1) << shift, bits = (unsigned)from[index] << shift & mask;
        to[index] = (uint8_t)((to[index] & ~mask) | bits);
        if (mask >> 8)
            to[index + 1] = (uint8_t)((to[index + 1] & ~(mask >> 8)) | bits >> 8);
    }
}

static size_t read_head(uint8_t *out, const uint8_t *pdu, unsigned bytes)
{
    out[0] = pdu[0];
    out[1] = (uint8_t)bytes;
    return 2 + bytes;
}

static size_t read_bits(const Entry *entry, int which, const uint8_t *pdu, size_t size, uint8_t *out)
{
    unsigned quantity = word(pdu + 3), shift = 0;
    if (size != 5 || quantity < 1 || quantity > MAX_READ_BITS)
        return 0;
    const uint8_t *cells = place_of(entry, which, word(pdu + 1), quantity, false, &shift);
    if (cells == NULL)
        return 0;
    copy_bits_out(out + 2, cells, shift, quantity);
    return read_head(out, pdu, (quantity + 7) >> 3);
}

static size_t read_registers(const Entry *entry, int which, const uint8_t *pdu, size_t size, uint8_t *out)
{
    unsigned quantity = word(pdu + 3), shift = 0;
    if (size != 5 || quantity < 1 || quantity > MAX_READ_REGISTERS)
        return 0;
    const uint8_t *cells = place_of(entry, which, word(pdu + 1), quantity, false, &shift);
    if (cells == NULL)
        return 0;
    memcpy(out + 2, cells, 2 * quantity);
    return read_head(out, pdu, 2 * quantity);
}

static size_t write_head(uint8_t *out, const uint8_t *pdu)
{
    memcpy(out, pdu, 5); /* the request, of several registers or coils its beginning */
    return 5;
}

static size_t write_single_coil(const Entry *entry, const uint8_t *pdu, size_t size, uint8_t *out)
{
    unsigned value = word(pdu + 3), shift = 0;
    if (size != 5 || (value != 0xFF00 && value != 0))
        return 0;
    uint8_t *cells = place_of(entry, COILS, word(pdu + 1), 1, true, &shift);
    if (cells == NULL)
        return 0;
    uint8_t bit = value != 0;
    copy_bits_in(cells, &bit, shift, 1);
    return write_head(out, pdu);
}

static size_t write_single_register(const Entry *entry, const uint8_t *pdu, size_t size, uint8_t *out)
{
    unsigned shift = 0;
    uint8_t *cells = size != 5 ? NULL : place_of(entry, HOLDING_REGISTERS, word(pdu + 1), 1, true, &shift);
    if (cells == NULL)
        return 0;
    memcpy(cells, pdu + 3, 2);
    return write_head(out, pdu);
}

static size_t write_multiple_coils(const Entry *entry, const uint8_t *pdu, size_t size, uint8_t *out)
{
    unsigned quantity = word(pdu + 3), shift = 0, bytes = (quantity + 7) >> 3;
    if (size < 7 || quantity < 1 || quantity > MAX_WRITE_BITS || pdu[5] != bytes || size != 6 + bytes)
        return 0;
    uint8_t *cells = place_of(entry, COILS, word(pdu + 1), quantity, true, &shift);
    if (cells == NULL)
        return 0;
    copy_bits_in(cells, pdu + 6, shift, quantity);
    return write_head(out, pdu);
}

static size_t write_multiple_registers(const Entry *entry, const uint8_t *pdu, size_t size, uint8_t *out)
{
    unsigned quantity = word(pdu + 3), shift = 0;
    if (size < 7 || quantity < 1 || quantity > MAX_WRITE_REGISTERS || pdu[5] != 2 * quantity ||
        size != 6 + 2 * (size_t)quantity)
        return 0;
    uint8_t *cells = place_of(entry, HOLDING_REGISTERS, word(pdu + 1), quantity, true, &shift);
    if (cells == NULL)
        return 0;
    memcpy(cells, pdu + 6, 2 * quantity);
    return write_head(out, pdu);
}

size_t answer(Station *station, uint8_t unit, const uint8_t *pdu, size_t size, uint8_t *out)
{
    const Entry *entry = entry_of(station, unit);
    unsigned code = pdu[0];
    size_t length = 0;
    if (size < SHORTEST_PDU || entry == NULL || code >= 32 || !(entry->layout->codes >> code & 1))
        return 0;
    if (entry->layout->aside != NULL && entry->layout->aside[entry->row])
        return 0;
    switch (code) {
    case 1: length = read_bits(entry, COILS, pdu, size, out); break;
    case 2: length = read_bits(entry, DISCRETE_INPUTS, pdu, size, out); break;
    case 3: length = read_registers(entry, HOLDING_REGISTERS, pdu, size, out); break;
    case 4: length = read_registers(entry, INPUT_REGISTERS, pdu, size, out); break;
    case 5: length = write_single_coil(entry, pdu, size, out); break;
    case 6: length = write_single_register(entry, pdu, size, out); break;
    case 15: length = write_multiple_coils(entry, pdu, size, out); break;
    case 16: length = write_multiple_registers(entry, pdu, size, out); break;
    }
    if (length) {
        entry->layout->requests[entry->row]++;
        station->answered++;
        if (station->heard != NULL)
            station->heard[0]++;
    }
    return length;
}
