using PoolHub.Daemon.Settings;

namespace PoolHub.Daemon.Access;

/// <summary>How often one address may come in, and how often it, or one miner id, may fail to.</summary>
/// <param name="HellosPerSec">Over a socket; 0: as often as it likes.</param>
/// <param name="RegistrationsPerSec">Over HTTP; likewise.</param>
/// <param name="FailureLimit">Failed logins that bring a ban for wrong ones; 0: none does.</param>
internal sealed record LoginOptions(int HellosPerSec = 0, int RegistrationsPerSec = 0, int FailureLimit = 0)
{
    private const int MaxPerSec = 1_000_000;

    public static LoginOptions Read(SettingsReader settings) => new(
        settings.Int32("HELLO_RATE_LIMIT", 500, 0, MaxPerSec),
        settings.Int32("REGISTER_RATE_LIMIT", 500, 0, MaxPerSec),
        settings.Int32("LOGIN_FAILURE_LIMIT", 10, 0, 1_000_000));
}
