using System.Net;
using Microsoft.AspNetCore.Connections;
using PoolHub.Daemon.Access;
using PoolHub.Daemon.Sessions;

namespace PoolHub.Daemon.Gateway;

/// <summary>
/// The outermost of both doors. It counts connections: all, those of one address, and those that have not said who they
/// are; and closes those that take too long over TLS or over their first request, at the sweep, without a timer for each.
/// When too many have not said who they are, the oldest makes room: whoever means it is through in a moment, so a flood
/// crowds itself out.
/// </summary>
internal sealed class AcceptGate(GateOptions options, TrustedProxies proxies, WordlessBans wordless, GateMetrics metrics, TimeProvider time)
{
    /// <summary>For TLS, and once more for the first request or the hello.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(2);

    /// <summary>What whoever comes from an address with too many connections is told, where anything can be.</summary>
    public const string TooMany = "too many connections come from this address";
    public static readonly TimeSpan TooManyWait = TimeSpan.FromSeconds(10);

    /// <summary>One address may have this part of the places of those who have not said who they are.</summary>
    private const int GreetingShare = 4;

    private readonly Lock _gate = new();
    private readonly LinkedList<GatedConnection> _greeting = new();
    private readonly Dictionary<AddressBlock, Count> _byAddress = [];
    private GateOptions _options = options;
    private int _count;
    private long _passages;

    public int Connections => Volatile.Read(ref _count);

    /// <summary>How often anybody has ever come in, gone or been refused.</summary>
    public long Passages => Volatile.Read(ref _passages);

    public int Greetings
    {
        get
        {
            lock (_gate)
            {
                return _greeting.Count;
            }
        }
    }

    /// <summary>Addresses that are not let in now, at most so many.</summary>
    public IReadOnlyList<AddressBlock> LastShutOut(int most) => wordless.Last(most);

    public void Reload(GateOptions fresh)
    {
        lock (_gate)
        {
            Volatile.Write(ref _options, fresh);
            if (fresh.PerAddress == 0)
            {
                wordless.Bans.Clear();
            }
        }
    }

    /// <summary>Lets a connection in; null when it is one too many.</summary>
    /// <param name="peer">Where it comes from.</param>
    /// <param name="close">Closes it while it has sent nothing.</param>
    public GatedConnection? TryEnter(EndPoint? peer, Action<GatedConnection> close)
    {
        AddressBlock? address = proxies.Contains(peer) ? null : AddressBlock.Of(peer);
        GatedConnection? oldest = null;
        GatedConnection gated;
        lock (_gate)
        {
            GateOptions caps = _options;
            if (Full(address) is { } cap)
            {
                _passages++;
                metrics.Refused(cap);
                return null;
            }
            if (caps.Greetings > 0 && _greeting.Count >= caps.Greetings)
            {
                metrics.Refused(GateCap.Greeting);
                oldest = _greeting.First!.Value;
                EndGreeting(oldest);
            }
            _passages++;
            gated = new GatedConnection(address, close) { Since = time.GetTimestamp() };
            _count++;
            if (address is { } counted)
            {
                Add(counted, connections: 1, greetings: 0);
            }
            BeginGreeting(gated);
        }
        oldest?.Abort();
        return gated;
    }

    /// <summary>A connection is gone.</summary>
    /// <param name="isWordless">Whether it has brought no byte at all; one that had to make room may have been about to.</param>
    public void Leave(GatedConnection gated, bool isWordless = false)
    {
        lock (_gate)
        {
            if (isWordless && gated is { Greeting: not null, Address: { } stranger } && _options.PerAddress > 0)
            {
                wordless.Left(stranger);
            }
            EndGreeting(gated);
            _count--;
            _passages++;
            if (gated.Address is { } address)
            {
                Add(address, connections: -1, greetings: 0);
            }
        }
    }

    /// <summary>Follows a connection to its end.</summary>
    public async Task FollowAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        try
        {
            await next(connection);
        }
        finally
        {
            Leave(connection.Features.Get<GatedConnection>()!);
        }
    }

    /// <summary>A request that has arrived is the hello of HTTP.</summary>
    public void UseGate(IApplicationBuilder app) => app.Use((http, next) =>
    {
        if (http.Features.Get<GatedConnection>() is { Greeting: not null } gated)
        {
            Greeted(gated);
        }
        return next(http);
    });

    /// <summary>TLS is done: the deadline begins anew.</summary>
    public Task SecuredAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        if (connection.Features.Get<GatedConnection>() is { } gated)
        {
            gated.Since = time.GetTimestamp();
        }
        return next(connection);
    }

    /// <summary>A whole message has come of a conversation.</summary>
    /// <param name="gated">Null where there is no gate.</param>
    /// <param name="isKnown">Whether it has said who it is.</param>
    public void Heard(GatedConnection? gated, bool isKnown)
    {
        if (isKnown)
        {
            Greeted(gated);
        }
    }

    /// <summary>It has said who it is, or what it wants.</summary>
    public void Greeted(GatedConnection? gated)
    {
        if (gated?.Greeting is null)
        {
            return;
        }
        lock (_gate)
        {
            EndGreeting(gated);
        }
    }

    /// <summary>A conversation begins: it has to say hello, also where a request has brought it.</summary>
    /// <param name="gated">Null where there is no gate.</param>
    /// <param name="source">Where a trusted proxy says that it comes from; null when none does.</param>
    /// <returns>False when its address has too many connections.</returns>
    public bool TryConverse(GatedConnection? gated, IPAddress? source)
    {
        if (gated is null)
        {
            return true;
        }
        lock (_gate)
        {
            gated.Converses = true;
            if (source is not null && gated.Address is null)
            {
                var address = AddressBlock.Of(source);
                if (IsAtShare(address))
                {
                    metrics.Refused(GateCap.Address);
                    return false;
                }
                gated.Address = address;
                Add(address, connections: 1, greetings: gated.Greeting is null ? 0 : 1);
            }
            if (gated.Greeting is null)
            {
                BeginGreeting(gated);
            }
            return true;
        }
    }

    /// <summary>Closes those whose time is over.</summary>
    public void Sweep(long now)
    {
        List<GatedConnection>? late = null;
        lock (_gate)
        {
            foreach (GatedConnection gated in _greeting)
            {
                if (!gated.Converses && time.GetElapsedTime(gated.Since, now) >= Deadline)
                {
                    (late ??= []).Add(gated);
                }
            }
        }
        if (late is not null)
        {
            _ = CloseAsync(late);
        }
        metrics.Set(Connections, Greetings);
    }

    private async Task CloseAsync(List<GatedConnection> late)
    {
        var slices = new Slices();
        foreach (GatedConnection gated in late)
        {
            metrics.Refused(GateCap.Deadline);
            gated.Abort();
            await slices.NextAsync();
        }
    }

    private void BeginGreeting(GatedConnection gated)
    {
        gated.Greeting = _greeting.AddLast(gated);
        if (gated.Address is { } address)
        {
            Add(address, connections: 0, greetings: 1);
        }
    }

    private void EndGreeting(GatedConnection gated)
    {
        if (gated.Greeting is { } place)
        {
            _greeting.Remove(place);
            gated.Greeting = null;
            if (gated.Address is { } address)
            {
                Add(address, connections: 0, greetings: -1);
            }
        }
    }

    private GateCap? Full(AddressBlock? address) =>
        _options is { Connections: > 0 and var all } && _count >= all ? GateCap.All
        : address is not { } own ? null
        : IsAtShare(own) ? GateCap.Address
        : wordless.Contains(own) ? GateCap.Wordless
        : null;

    /// <summary>Whether an address has as many as it may.</summary>
    private bool IsAtShare(AddressBlock address)
    {
        GateOptions caps = _options;
        Count count = _byAddress.GetValueOrDefault(address);
        return (caps.PerAddress > 0 && count.Connections >= caps.PerAddress)
            || (caps.Greetings > 0 && count.Greetings >= Math.Max(1, caps.Greetings / GreetingShare));
    }

    private void Add(AddressBlock address, int connections, int greetings)
    {
        Count count = _byAddress.GetValueOrDefault(address);
        count = new Count(count.Connections + connections, count.Greetings + greetings);
        if (count == default)
        {
            _ = _byAddress.Remove(address);
        }
        else
        {
            _byAddress[address] = count;
        }
    }

    private readonly record struct Count(int Connections, int Greetings);
}
