// Stand-ins for what docs/add-a-sense.md's sketch uses of the ESP32's Arduino, with the same signatures: for a PC.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

typedef bool boolean;

inline void delay(uint32_t milliseconds) { usleep(milliseconds * 1000); }

struct HardwareSerial {
  void begin(unsigned long) {}
  size_t println(const char *text) { return fprintf(stderr, "%s\n", text); }
};
inline HardwareSerial Serial;

struct EspClass {
  void restart() { exit(1); }
};
inline EspClass ESP;
