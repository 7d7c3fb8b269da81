// Runs the sketch: setup() once, loop() three times.
#include "esp32-cam.ino"

int main() {
  setup();
  for (int turn = 0; turn < 3; turn++) loop();
}
