/* Modbus requests, prebuilt, and the judgement of every answer.
 *
 * One mix is one function code and quantity.  A request is a copied template with its transaction
 * id, unit id and address patched in.  `frame_judge` compares an answer with the request it belongs
 * to and names the first thing that is wrong; only a wrong protocol id or length loses the stream.
 */
#ifndef FRAMES_H
#define FRAMES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ADU 260 /* Messaging on TCP/IP V1.0b: MBAP header 7 + PDU 253 */

enum error {
    E_NONE, E_PROTOCOL, E_LENGTH, E_TRANSACTION, E_ORDER, E_UNIT, E_FUNCTION, E_EXCEPTION, E_BYTE_COUNT, E_ECHO,
    E_DATA, E_SURPLUS, E_MISSING, E_TIMEOUT, E_CLOSED, E_SEND, E_CRC, ERRORS
};

static const char *const ERROR_NAMES[ERRORS] = {
    "none", "protocol_id", "length", "transaction_id", "order", "unit_id", "function", "exception", "byte_count",
    "echo", "data", "surplus", "missing", "timeout", "closed", "send", "crc"};

/* What the data of an answer must be; DATA_NUMBER: every register this number, every bit its last one. */
enum data { DATA_ANY, DATA_NUMBER, DATA_ADDRESS };

struct expectation {
    enum data kind;
    unsigned number;
};

struct mix {
    const char *name;
    int function, quantity;
    uint8_t request[MAX_ADU];
    int request_size, answer_size;
};

struct request {
    uint64_t sent;
    uint16_t transaction, address;
    uint8_t unit;
};

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static unsigned get16(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

/* "fc3x10": function 1 to 4, 15 or 16, and a quantity.  False when it is neither. */
static int mix_parse(struct mix *mix, const char *name)
{
    static const int limits[17] = {[1] = 2000, [2] = 2000, [3] = 125, [4] = 125, [15] = 1968, [16] = 123};
    int used = 0;
    if (sscanf(name, "fc%dx%d%n", &mix->function, &mix->quantity, &used) != 2 || name[used])
        return 0;
    if (mix->function < 1 || mix->function > 16 || mix->quantity < 1 || mix->quantity > limits[mix->function])
        return 0;
    int bits = (mix->quantity + 7) / 8, write = mix->function >= 15;
    int bytes = mix->function == 16 || mix->function == 3 || mix->function == 4 ? mix->quantity * 2 : bits;
    uint8_t *at = mix->request;
    memset(at, 0, MAX_ADU);
    mix->name = name;
    mix->request_size = write ? 13 + bytes : 12;
    mix->answer_size = write ? 12 : 9 + bytes;
    put16(at + 4, (unsigned)mix->request_size - 6);
    at[7] = (uint8_t)mix->function;
    put16(at + 10, (unsigned)mix->quantity);
    if (write)
        at[12] = (uint8_t)bytes;
    return 1;
}

static void mix_request(const struct mix *mix, const struct request *request, uint8_t *out)
{
    memcpy(out, mix->request, (size_t)mix->request_size);
    put16(out, request->transaction);
    out[6] = request->unit;
    put16(out + 8, request->address);
    if (mix->function == 16) /* a register is written with its address, so a later read can tell */
        for (int i = 0; i < mix->quantity; i++)
            put16(out + 13 + 2 * i, (unsigned)request->address + (unsigned)i);
}

/* Bits are compared a byte at a time: a load that computes long would leave the server fewer sockets a turn. */
static int bits_are_wrong(const struct mix *mix, const uint8_t *data, unsigned pattern)
{
    int whole = mix->quantity / 8, rest = mix->quantity % 8;
    for (int i = 0; i < whole; i++)
        if (data[i] != pattern)
            return 1;
    return rest && data[whole] != (pattern & ((1u << rest) - 1));
}

static int data_is_wrong(const struct mix *mix, const struct request *request, const uint8_t *data,
                         struct expectation expected)
{
    int by_address = expected.kind == DATA_ADDRESS;
    if (expected.kind == DATA_ANY)
        return 0;
    if (mix->function == 1 || mix->function == 2) /* by address: every odd coil is on */
        return bits_are_wrong(mix, data, by_address ? request->address & 1 ? 0x55 : 0xAA : expected.number & 1 ? 0xFF : 0);
    for (int i = 0; i < mix->quantity; i++) {
        unsigned wanted = by_address ? (unsigned)request->address + (unsigned)i : expected.number;
        if (get16(data + 2 * i) != (wanted & 0xFFFF))
            return 1;
    }
    return 0;
}

/* What is wrong with a whole answer whose transaction id is already accepted. */
static enum error frame_judge(const struct mix *mix, const struct request *request, const uint8_t *at, int size,
                              struct expectation expected)
{
    if (at[6] != request->unit)
        return E_UNIT;
    if (at[7] == (mix->function | 0x80))
        return size == 9 ? E_EXCEPTION : E_LENGTH;
    if (at[7] != mix->function)
        return E_FUNCTION;
    if (size != mix->answer_size)
        return E_LENGTH;
    if (mix->function >= 15)
        return get16(at + 8) == request->address && get16(at + 10) == (unsigned)mix->quantity ? E_NONE : E_ECHO;
    if (at[8] != size - 9)
        return E_BYTE_COUNT;
    return data_is_wrong(mix, request, at + 9, expected) ? E_DATA : E_NONE;
}

#endif
