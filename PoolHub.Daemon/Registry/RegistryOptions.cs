using PoolHub.Daemon.Settings;

namespace PoolHub.Daemon.Registry;

/// <param name="LeaseTtlSec">From the last heartbeat until a miner is degraded.</param>
/// <param name="GraceSec">From the last heartbeat until it is offline.</param>
/// <param name="GuardPercent">The share of the fleet whose silence makes the hub suspect its own network.</param>
/// <param name="GuardMinMiners">The number of miners that it takes besides.</param>
/// <param name="GuardSec">How long the hub holds on to them.</param>
/// <param name="FlapLimitPerMin">Connections of one miner in a minute before it is sent away; 0 for no limit.</param>
/// <param name="FlapBanSec">For how long.</param>
/// <param name="StuckSweepSec">After so long the sweep stands still; 0: never.</param>
internal sealed record RegistryOptions(
    int LeaseTtlSec = 60,
    int GraceSec = 120,
    int GuardPercent = 15,
    int GuardMinMiners = 20,
    int GuardSec = 600,
    int FlapLimitPerMin = 15,
    int FlapBanSec = 60,
    int StuckSweepSec = 0)
{
    public static RegistryOptions Read(SettingsReader settings)
    {
        var options = new RegistryOptions(
            settings.Int32("SESSION_TTL_SEC", 60, 2, 3_600),
            settings.Int32("HEARTBEAT_GRACE_SEC", 120, 3, 86_400),
            settings.Int32("MASS_LOSS_GUARD_PERCENT", 15, 1, 100),
            settings.Int32("MASS_LOSS_GUARD_MIN_MINERS", 20, 1, 1_000_000),
            settings.Int32("MASS_LOSS_GUARD_SEC", 600, 0, 86_400),
            settings.Int32("FLAP_LIMIT_PER_MIN", 15, 0, 10_000),
            settings.Int32("FLAP_BAN_SEC", 60, 1, 3_600),
            settings.Int32("DEBUG_STUCK_SWEEP_SEC", 0, 0, 86_400));
        if (options.GraceSec <= options.LeaseTtlSec)
        {
            settings.Fail("HEARTBEAT_GRACE_SEC", $"must be greater than SESSION_TTL_SEC ({options.LeaseTtlSec})");
        }
        return options;
    }
}
