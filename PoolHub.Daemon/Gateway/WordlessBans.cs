using PoolHub.Daemon.Access;

namespace PoolHub.Daemon.Gateway;

/// <summary>
/// Addresses that have come again and again without sending a byte. They are not let in for a while: far less often looks
/// whoever only asks whether the door is open. Never the machine itself, nor an address from which somebody has logged in
/// lately: it has more to lose than a crowd has to gain.
/// </summary>
internal sealed partial class WordlessBans(LoginGuard logins, TimeProvider time, ILogger<WordlessBans> log)
{
    /// <summary>
    /// So many connections within <see cref="Window"/>, which is ten checkers of both doors once a second each; after the
    /// first time, fewer do.
    /// </summary>
    public const int MostWordless = 200;
    public const int MostWordlessAgain = 100;
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    /// <summary>For an admin to see and to lift.</summary>
    public FailureBans<AddressBlock> Bans { get; } = new(Window, time);

    public bool Contains(AddressBlock address) => Bans.BannedFor(address) is not null;

    /// <summary>One is gone that has not sent a byte.</summary>
    public void Left(AddressBlock address)
    {
        if (address.IsThisMachine || logins.HasEntered(address)
            || Bans.Failed(address, MostWordless, MostWordlessAgain) is not var (length, count))
        {
            return;
        }
        if (logins.HasEntered(address))
        {
            // Just now, and found no ban that it could have lifted.
            _ = Bans.Lift(address);
            return;
        }
        ShutOut(log, address, length.TotalSeconds, count, Window.TotalSeconds);
    }

    /// <summary>Those who are shut out now, at most so many; the last first.</summary>
    public IReadOnlyList<AddressBlock> Last(int most) => Bans.LastBanned(most);

    [LoggerMessage(LogLevel.Warning, "{Address} is shut out for {Seconds:0} s: {Count} connections within {Window:0} s brought no byte")]
    private static partial void ShutOut(ILogger log, AddressBlock address, double seconds, int count, double window);
}
