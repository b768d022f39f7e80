using PoolHub.Protocol;

namespace PoolHub.Daemon.Access;

/// <summary>What whoever logs in is told in place of an answer.</summary>
/// <param name="Reason"><see cref="CloseReason.RateLimited"/> or <see cref="CloseReason.Banned"/>; 429 over HTTP.</param>
internal readonly record struct LoginRefusal(CloseReason Reason, string Detail, TimeSpan RetryAfter);

/// <summary>How a session is begun.</summary>
internal enum LoginKind
{
    Hello,
    Register,
}

/// <summary>
/// Hears of every login once its key, secret or token was judged. A right one is let in whatever others have done: no ban
/// counts for it, and the rate that it takes from is one that wrong ones cannot use up. Wrong ones are slowed down, by
/// address and by name; during a ban, and beyond the rate, their answer says no more whether they were wrong.
/// </summary>
internal sealed partial class LoginGuard(LoginOptions options, TimeProvider time, ILogger<LoginGuard> log)
{
    /// <summary>In which failures are counted together.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(10);

    private readonly RecentLogins _recent = new(time);
    private readonly FailureBans<AddressBlock> _addresses = new(Window, time);
    private readonly FailureBans<string> _names = new(Window, time);
    private readonly LinePace _addressLines = new(time);
    private readonly LinePace _nameLines = new(time);
    private Rates _rates = new(options, time);

    /// <summary>Told of every failure, and whether it was a miner's.</summary>
    public Action<bool>? Failing { get; set; }

    /// <summary>Told of every address from which somebody logs in, once a minute while he is there.</summary>
    public Action<AddressBlock>? Entering { get; set; }

    public int BannedCount => _addresses.BannedCount + _names.BannedCount;

    public void Reload(LoginOptions fresh)
    {
        if (fresh != _rates.Options)
        {
            Volatile.Write(ref _rates, new Rates(fresh, time));
        }
        if (fresh.FailureLimit == 0)
        {
            _addresses.Clear();
            _names.Clear();
        }
    }

    /// <summary>Somebody has shown a right key or token. Null when he may come in.</summary>
    public LoginRefusal? Right(LoginKind kind, AddressBlock address)
    {
        if (RefuseFast(Volatile.Read(ref _rates).Of(kind).Right.Refuse(address)) is { } refusal)
        {
            return refusal;
        }
        Entered(address);
        return null;
    }

    /// <summary>Somebody has shown a wrong key, secret or certificate. Null when he may be told so.</summary>
    /// <param name="name">The miner's id that it was shown for; null for a secret, which names nobody.</param>
    public LoginRefusal? Wrong(LoginKind kind, AddressBlock address, string? name)
    {
        Failing?.Invoke(name is not null);
        Rates rates = Volatile.Read(ref _rates);
        TimeSpan? ofAddress = _addresses.BannedFor(address);
        TimeSpan? ofName = name is null ? null : _names.BannedFor(name);
        // An address that is banned counts against no more names.
        if (ofAddress is null && rates.Options.FailureLimit > 0)
        {
            Count(address, name, rates.Options.FailureLimit);
        }
        if ((ofAddress is null || ofName > ofAddress ? ofName : ofAddress) is { } left)
        {
            return new LoginRefusal(CloseReason.Banned, "too many failed logins; try again later", left);
        }
        LoginRate rate = rates.Of(kind).Wrong;
        return RefuseFast(rate.Refuse(address) ?? (name is null ? null : rate.Refuse(name)));
    }

    /// <summary>
    /// Somebody has shown a token that is none of this hub's. Null when he may be told so. It counts for no ban: the tokens
    /// of a whole fleet are worthless when the hub's key of them is lost.
    /// </summary>
    public LoginRefusal? WrongToken(LoginKind kind, AddressBlock address) =>
        RefuseFast(Volatile.Read(ref _rates).Of(kind).Wrong.Refuse(address));

    /// <summary>Somebody is in from there.</summary>
    public void Entered(AddressBlock address)
    {
        if (_recent.See(address))
        {
            Entering?.Invoke(address);
        }
    }

    /// <summary>Whether somebody has been in from there within a day.</summary>
    public bool HasEntered(AddressBlock address) => _recent.Contains(address);

    /// <summary>Whether whoever stays should be said to have <see cref="Entered"/> again.</summary>
    /// <param name="saidAt">Timestamp at which it was said last; now, when it should be.</param>
    public bool IsTimeToSayAgain(ref long saidAt)
    {
        long now = time.GetTimestamp();
        if (time.GetElapsedTime(Volatile.Read(ref saidAt), now) < RecentLogins.SeenEvery)
        {
            return false;
        }
        Volatile.Write(ref saidAt, now);
        return true;
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

    private void Count(AddressBlock address, string? name, int limit)
    {
        if (_addresses.Failed(address, limit) is var (length, _) && _addressLines.TryTake(out int leftOut))
        {
            AddressBanned(log, address, length.TotalSeconds);
            SayLeftOut(leftOut);
        }
        if (name is not null && _names.Failed(name, limit) is var (longer, _) && _nameLines.TryTake(out leftOut))
        {
            NameBanned(log, name, longer.TotalSeconds);
            SayLeftOut(leftOut);
        }
    }

    private void SayLeftOut(int count)
    {
        if (count > 0)
        {
            BansNotLogged(log, count);
        }
    }

    private static LoginRefusal? RefuseFast(TimeSpan? wait) =>
        wait is { } left ? new LoginRefusal(CloseReason.RateLimited, "too many logins; try again later", left) : null;

    private sealed class Rates(LoginOptions options, TimeProvider time)
    {
        private readonly (LoginRate Right, LoginRate Wrong) _hellos = (new(options.HellosPerSec, time), new(options.HellosPerSec, time));
        private readonly (LoginRate Right, LoginRate Wrong) _registrations =
            (new(options.RegistrationsPerSec, time), new(options.RegistrationsPerSec, time));

        public LoginOptions Options => options;

        public (LoginRate Right, LoginRate Wrong) Of(LoginKind kind) => kind == LoginKind.Hello ? _hellos : _registrations;
    }

    [LoggerMessage(LogLevel.Warning, "{Address} is banned for {Seconds:0} s: too many failed logins")]
    private static partial void AddressBanned(ILogger log, AddressBlock address, double seconds);

    [LoggerMessage(LogLevel.Warning, "wrong logins as {MinerId} are banned for {Seconds:0} s: too many failed")]
    private static partial void NameBanned(ILogger log, string minerId, double seconds);

    [LoggerMessage(LogLevel.Warning, "{Count} more bans for failed logins were not logged")]
    private static partial void BansNotLogged(ILogger log, int count);
}
