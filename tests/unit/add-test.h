/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* Adds a test of a Fixture that set_up() makes and tear_down() ends. */
#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)
