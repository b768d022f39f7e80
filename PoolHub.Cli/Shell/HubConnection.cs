using PoolHub.Protocol.Client;

namespace PoolHub.Cli.Shell;

/// <summary>One hub and the clients to it; a secret is looked for only when it is needed.</summary>
internal sealed class HubConnection : IDisposable
{
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
        _http = new HttpClient
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
}
