/* SPDX-License-Identifier: MIT */
#include "common/i18n.h"
#include "desktop/agent.h"
#include "desktop/application.h"

static int
run_viewer(int argc, char **argv)
{
    g_autoptr(DmApplication) application = dm_application_new();

    return g_application_run(G_APPLICATION(application), argc, argv);
}

int
main(int argc, char **argv)
{
    dm_i18n_init();
    /* Before GTK is: it needs no screen. */
    if (argc == 2 && g_str_equal(argv[1], "--agent"))
        return dm_agent_run();
    return run_viewer(argc, argv);
}
