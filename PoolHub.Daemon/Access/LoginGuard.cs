using System.Collections.Concurrent;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Access;

/// <summary>Why somebody is not even asked for a key now.</summary>
/// <param name="Reason"><see cref="CloseReason.RateLimited"/> or <see cref="CloseReason.Banned"/>; 429 over HTTP.</param>
internal readonly record struct LoginRefusal(CloseReason Reason, string Detail, TimeSpan RetryAfter);

/// <summary>How a session is begun.</summary>
internal enum LoginKind
{
    Hello,
    Register,
}

/// <summary>
/// Stands before the keys and the secrets: limits how often somebody tries, and bans who fails too often, by address and
/// by name. A ban does not count for a name that has come in from the same address before: so nobody is kept out because a
/// stranger guesses at that name, or fails behind the same router.
/// </summary>
internal sealed partial class LoginGuard(LoginOptions options, TimeProvider time, ILogger<LoginGuard> log)
{
    /// <summary>In which failures are counted together.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(10);

    /// <summary>What whoever is banned is told.</summary>
    public const string Banned = "too many failed logins; try again later";

    private const int MaxKnown = 262_144;

    /// <summary>Hashes that differ from process to process, of names that have come in with where from.</summary>
    private readonly ConcurrentDictionary<int, bool> _known = new();
    private readonly FailureBans<AddressBlock> _addresses = new(Window, time);
    private readonly FailureBans<string> _names = new(Window, time);
    private Rates _rates = new(options, time);

    /// <summary>Told of every failure, and whether it was a miner's.</summary>
    public Action<bool>? Failing { get; set; }

    public int BannedCount => _addresses.BannedCount + _names.BannedCount;

    public void Reload(LoginOptions fresh)
    {
        if (fresh != _rates.Options)
        {
            Volatile.Write(ref _rates, new Rates(fresh, time));
        }
    }

    /// <summary>Whether a miner may show its key now; null when it may.</summary>
    public LoginRefusal? Refuse(LoginKind kind, AddressBlock address, string minerId)
    {
        // First, and not from a name that came in from there: strangers who use it must not use its limit up.
        if (RefuseBanned(address, minerId) is { } banned)
        {
            return banned;
        }
        Rates rates = Volatile.Read(ref _rates);
        LoginRate rate = kind == LoginKind.Hello ? rates.Hellos : rates.Registrations;
        return RefuseFast(rate.Refuse(address) ?? (Knows(address, minerId) ? null : rate.Refuse(minerId)));
    }

    /// <summary>
    /// Whether a hello may show a token now; null when it may. Whoever has a miner's token is that miner: bans and the
    /// limit of its name, which strangers use up, are not for it.
    /// </summary>
    public LoginRefusal? RefuseToken(AddressBlock address) => RefuseFast(Volatile.Read(ref _rates).Hellos.Refuse(address));

    /// <summary>Whether this name is banned, or where it comes from; null when it is not.</summary>
    public LoginRefusal? RefuseBanned(AddressBlock address, string name)
    {
        TimeSpan? left = Longer(_addresses.BannedFor(address), _names.BannedFor(name));
        return left is { } wait && !Knows(address, name)
            ? new LoginRefusal(CloseReason.Banned, Banned, wait)
            : null;
    }

    /// <summary>How long an address is banned for; null when it is not.</summary>
    public TimeSpan? BannedFor(AddressBlock address) => _addresses.BannedFor(address);

    /// <param name="minerId">Who it said it was; null for a wrong secret, which names nobody.</param>
    public void Failed(AddressBlock address, string? minerId)
    {
        Failing?.Invoke(minerId is not null);
        int limit = _rates.Options.FailureLimit;
        if (limit == 0)
        {
            return;
        }
        if (_addresses.Failed(address, limit) is { } ban)
        {
            AddressBanned(log, address, ban.TotalSeconds);
        }
        if (minerId is not null && _names.Failed(minerId, limit) is { } longer)
        {
            NameBanned(log, minerId, longer.TotalSeconds);
        }
    }

    public void Succeeded(AddressBlock address, string name)
    {
        // Every update over HTTP comes here: looking takes no lock.
        if (!Knows(address, name) && _known.TryAdd(HashCode.Combine(address, name), true) && _known.Count > MaxKnown)
        {
            _known.Clear();
        }
    }

    /// <summary>All bans, by what they ban: an address or a miner's id.</summary>
    public IEnumerable<(string? Address, string? MinerId, TimeSpan Left, int Bans)> Bans() =>
    [
        .. _addresses.Banned().Select(b => (b.Who.ToString(), (string?)null, b.Left, b.Bans)),
        .. _names.Banned().Select(b => ((string?)null, (string?)b.Who, b.Left, b.Bans)),
    ];

    /// <summary>Ends a ban by hand; false when there is none.</summary>
    public bool Lift(AddressBlock address) => _addresses.Lift(address);

    public bool Lift(string minerId) => _names.Lift(minerId);

    private bool Knows(AddressBlock address, string name) => _known.ContainsKey(HashCode.Combine(address, name));

    private static LoginRefusal? RefuseFast(TimeSpan? wait) =>
        wait is { } left ? new LoginRefusal(CloseReason.RateLimited, "too many logins; try again later", left) : null;

    private static TimeSpan? Longer(TimeSpan? a, TimeSpan? b) => a is null || b > a ? b : a;

    private sealed class Rates(LoginOptions options, TimeProvider time)
    {
        public LoginOptions Options => options;
        public LoginRate Hellos { get; } = new(options.HellosPerSec, time);
        public LoginRate Registrations { get; } = new(options.RegistrationsPerSec, time);
    }

    [LoggerMessage(LogLevel.Warning, "{Address} is banned for {Seconds:0} s: too many failed logins")]
    private static partial void AddressBanned(ILogger log, AddressBlock address, double seconds);

    [LoggerMessage(LogLevel.Warning, "logins as {MinerId} from elsewhere than before are banned for {Seconds:0} s: too many failed")]
    private static partial void NameBanned(ILogger log, string minerId, double seconds);
}
