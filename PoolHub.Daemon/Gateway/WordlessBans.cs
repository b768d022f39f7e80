using PoolHub.Daemon.Access;

namespace PoolHub.Daemon.Gateway;

/// <summary>
/// Addresses that have come again and again without a word. They are not let in for a while: less often looks whoever only
/// asks whether the door is open.
/// </summary>
internal sealed class WordlessBans(TimeProvider time)
{
    /// <summary>So many connections within <see cref="Window"/>; after the first time, fewer do.</summary>
    private const int MostWordless = 20;
    private const int MostWordlessAgain = 5;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    public FailureBans<AddressBlock> Bans { get; } = new(Window, time);

    public bool Contains(AddressBlock address) => Bans.BannedFor(address) is not null;

    /// <summary>One is gone that has not said a word.</summary>
    public void Left(AddressBlock address) => _ = Bans.Failed(address, MostWordless, MostWordlessAgain);

    /// <summary>Those who are shut out now, at most so many; the last first.</summary>
    public IReadOnlyList<AddressBlock> Last(int most) => Bans.LastBanned(most);
}
