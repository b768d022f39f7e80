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
internal sealed class AcceptGate(GateOptions options, TrustedProxies proxies, GateMetrics metrics, TimeProvider time)
{
    /// <summary>For TLS, and once more for the first request or the hello.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(2);

    /// <summary>What whoever comes from an address with too many connections is told, where anything can be.</summary>
    public const string TooMany = "too many connections come from this address";
    public static readonly TimeSpan TooManyWait = TimeSpan.FromSeconds(10);

    /// <summary>One address may have this part of the places of those who have not said who they are.</summary>
    private const int GreetingShare = 4;

    private readonly ShutOut _shutOut = new(time);
    private readonly Lock _gate = new();
    private readonly LinkedList<Entrant> _greeting = new();
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

    /// <summary>Addresses that are not let in, for an admin to see and to lift.</summary>
    public FailureBans<AddressBlock> ShutOut => _shutOut.Bans;

    /// <summary>Those that are not let in now, at most so many.</summary>
    public IReadOnlyList<AddressBlock> LastShutOut(int most) => _options.PerAddress > 0 ? _shutOut.Last(most) : [];

    public void Reload(GateOptions fresh) => Volatile.Write(ref _options, fresh);

    /// <summary>Whether somebody from there would be one too many. Counts him then.</summary>
    public bool IsFull(EndPoint? peer)
    {
        lock (_gate)
        {
            AddressBlock? address = proxies.Contains(peer) ? null : AddressBlock.Of(peer);
            if (Full(address) is not { } cap)
            {
                return false;
            }
            _passages++;
            metrics.Refused(cap);
            return true;
        }
    }

    /// <summary>Lets somebody in; null when he is one too many.</summary>
    /// <param name="peer">Where he comes from.</param>
    /// <param name="abort">Closes what he comes with.</param>
    public Entrant? TryEnter(EndPoint? peer, Action abort)
    {
        AddressBlock? address = proxies.Contains(peer) ? null : AddressBlock.Of(peer);
        Entrant? oldest = null;
        Entrant entrant;
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
            entrant = new Entrant(address, abort) { Since = time.GetTimestamp() };
            _count++;
            if (address is { } counted)
            {
                Add(counted, connections: 1, greetings: 0);
            }
            BeginGreeting(entrant);
        }
        oldest?.Abort();
        return entrant;
    }

    /// <summary>He is gone.</summary>
    public void Leave(Entrant entrant)
    {
        lock (_gate)
        {
            if (entrant is { Greeting: not null, Spoke: false, Address: { } stranger } && _options.PerAddress > 0)
            {
                _shutOut.Left(stranger);
            }
            EndGreeting(entrant);
            _count--;
            _passages++;
            if (entrant.Address is { } address)
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
            Leave(connection.Features.Get<Entrant>()!);
        }
    }

    /// <summary>A request that has arrived is the hello of HTTP.</summary>
    public void UseGate(IApplicationBuilder app) => app.Use((http, next) =>
    {
        if (http.Features.Get<Entrant>() is { Greeting: not null } entrant)
        {
            Greeted(entrant);
        }
        return next(http);
    });

    /// <summary>TLS is done: the deadline begins anew.</summary>
    public Task SecuredAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        if (connection.Features.Get<Entrant>() is { } entrant)
        {
            entrant.Since = time.GetTimestamp();
        }
        return next(connection);
    }

    /// <summary>It has said who it is, or what it wants.</summary>
    public void Greeted(Entrant? entrant)
    {
        if (entrant?.Greeting is null)
        {
            return;
        }
        lock (_gate)
        {
            EndGreeting(entrant);
        }
    }

    /// <summary>A conversation begins: it has to say hello, also where a request has brought it.</summary>
    /// <param name="entrant">Null where there is no gate.</param>
    /// <param name="source">Where a trusted proxy says that it comes from; null when none does.</param>
    /// <returns>False when its address has too many connections.</returns>
    public bool TryConverse(Entrant? entrant, IPAddress? source)
    {
        if (entrant is null)
        {
            return true;
        }
        lock (_gate)
        {
            entrant.Converses = true;
            if (source is not null && entrant.Address is null)
            {
                var address = AddressBlock.Of(source);
                if (HasShare(address))
                {
                    metrics.Refused(GateCap.Address);
                    return false;
                }
                entrant.Address = address;
                Add(address, connections: 1, greetings: entrant.Greeting is null ? 0 : 1);
            }
            if (entrant.Greeting is null)
            {
                BeginGreeting(entrant);
            }
            return true;
        }
    }

    /// <summary>Closes those whose time is over.</summary>
    public void Sweep(long now)
    {
        List<Entrant>? late = null;
        lock (_gate)
        {
            foreach (Entrant entrant in _greeting)
            {
                if (!entrant.Converses && time.GetElapsedTime(entrant.Since, now) >= Deadline)
                {
                    (late ??= []).Add(entrant);
                }
            }
        }
        if (late is not null)
        {
            _ = CloseAsync(late);
        }
        metrics.Set(Connections, Greetings);
    }

    private async Task CloseAsync(List<Entrant> late)
    {
        var slices = new Slices();
        foreach (Entrant entrant in late)
        {
            metrics.Refused(GateCap.Deadline);
            entrant.Abort();
            await slices.NextAsync();
        }
    }

    private void BeginGreeting(Entrant entrant)
    {
        entrant.Greeting = _greeting.AddLast(entrant);
        if (entrant.Address is { } address)
        {
            Add(address, connections: 0, greetings: 1);
        }
    }

    private void EndGreeting(Entrant entrant)
    {
        if (entrant.Greeting is { } place)
        {
            _greeting.Remove(place);
            entrant.Greeting = null;
            if (entrant.Address is { } address)
            {
                Add(address, connections: 0, greetings: -1);
            }
        }
    }

    private GateCap? Full(AddressBlock? address) =>
        _options is { Connections: > 0 and var all } && _count >= all ? GateCap.All
        : address is not { } own ? null
        : HasShare(own) ? GateCap.Address
        : _options.PerAddress > 0 && _shutOut.Contains(own) ? GateCap.Wordless
        : null;

    /// <summary>Whether an address has as many as it may.</summary>
    private bool HasShare(AddressBlock address)
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
