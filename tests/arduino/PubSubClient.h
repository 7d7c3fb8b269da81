// PubSubClient as the sketch uses it; what is published goes out through mosquitto_pub, in the pieces it comes in.
#pragma once
#include <cstring>
#include <string>
#include "Arduino.h"
#include "WiFi.h"

class PubSubClient {
 public:
  explicit PubSubClient(Client &) {}
  PubSubClient &setServer(const char *, uint16_t) { return *this; }
  boolean connect(const char *, const char *, const char *) { return is_connected = true; }
  boolean connected() { return is_connected; }
  boolean loop() { return is_connected; }
  boolean beginPublish(const char *topic, unsigned int length, boolean retained) {
    std::string command = std::string("mosquitto_pub -s -t ") + topic + (retained ? " -r" : "");
    missing = length;
    pipe = popen(command.c_str(), "w");
    return pipe != nullptr;
  }
  size_t write(const uint8_t *bytes, size_t size) {
    size_t written = fwrite(bytes, 1, size, pipe);
    missing -= written;
    return written;
  }
  int endPublish() { return pclose(pipe) == 0 && missing == 0; }

 private:
  FILE *pipe = nullptr;
  long missing = 0;
  bool is_connected = false;
};
