#pragma once
// The real world: the operating system's clock, random numbers and files.

#include <memory>

#include "env/clock.h"
#include "env/files.h"
#include "env/random.h"

namespace wellhead::env::posix {

std::unique_ptr<Clock> MakeClock();
std::unique_ptr<Random> MakeRandom();
std::unique_ptr<Files> MakeFiles();

}  // namespace wellhead::env::posix
