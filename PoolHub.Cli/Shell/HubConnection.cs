using System.Net.Sockets;
using PoolHub.Protocol.Client;

namespace PoolHub.Cli.Shell;

/// <summary>One hub and the clients to it; a secret is looked for only when it is needed.</summary>
internal sealed class HubConnection : IDisposable
{
    private static readonly TimeSpan s_connectTimeout = TimeSpan.FromSeconds(4);

    private readonly HttpClient _http;
    private readonly Func<string> _secret;
    private readonly Func<string> _token;
    private readonly Func<string?> _tokenIfAny;

    public HubConnection(HubAddress address, Func<string> secret, Func<string> token, Func<string?> tokenIfAny)
    {
        Address = address;
        _secret = secret;
        _token = token;
        _tokenIfAny = tokenIfAny;
        string baseAddress = address.Http.GetLeftPart(UriPartial.Path);
#pragma warning disable CA2000 // The client has it.
        _http = new HttpClient(new SocketsHttpHandler { ConnectCallback = ConnectAsync })
#pragma warning restore CA2000
        {
            BaseAddress = new Uri(baseAddress.EndsWith('/') ? baseAddress : baseAddress + "/"),
            // A command may wait 60 s for its acknowledgement.
            Timeout = TimeSpan.FromSeconds(70),
        };
    }

    public HubAddress Address { get; }

    public CoordinatorClient Coordinator() => new(_http, _secret());

    public AdminClient Admin() => new(_http, _token());

    public AdminClient? AdminIfAny() => _tokenIfAny() is { } token ? new AdminClient(_http, token) : null;

    public HealthClient Health() => new(_http);

    public void Dispose() => _http.Dispose();

    /// <summary>Says apart from a hub that takes its time that none can be reached.</summary>
    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(s_connectTimeout);
#pragma warning disable CA2000 // The stream has it.
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
#pragma warning restore CA2000
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, patience.Token);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            socket.Dispose();
            throw new SocketException((int)SocketError.TimedOut);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
