using PoolHub.Daemon.Settings;

namespace PoolHub.Daemon.Sessions;

/// <summary>What one connection may send in a second, with a burst of twice that; 0: whatever it likes.</summary>
internal sealed record InflowOptions(int FramesPerSec = 0, int BytesPerSec = 0)
{
    private const int MaxPerSec = 1_000_000_000;

    public static InflowOptions Read(SettingsReader settings) => new(
        settings.Int32("FRAME_RATE_LIMIT", 1_000, 0, MaxPerSec),
        settings.Int32("BYTE_RATE_LIMIT", 1_048_576, 0, MaxPerSec));
}
