/* SPDX-License-Identifier: MIT */

#include "common/error.h"

G_DEFINE_QUARK(dm - error - quark, dm_error)
