using System.Text.Json;
using System.Text.Json.Serialization;

namespace PoolHub.Protocol.Http;

/// <summary>
/// How every HTTP body is read and written: snake_case, absent fields left out, numbers never as text. Requests that a
/// coordinator sends are read strictly (an unknown field is an error, since a mistyped constraint must not be ignored).
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(TokenPriceConverter)])]
[JsonSerializable(typeof(RegisterRequest))]
[JsonSerializable(typeof(LeaseResponse))]
[JsonSerializable(typeof(UpdateRequest))]
[JsonSerializable(typeof(LogoutRequest))]
[JsonSerializable(typeof(LogoutResponse))]
[JsonSerializable(typeof(MatchRequest))]
[JsonSerializable(typeof(MatchResponse))]
[JsonSerializable(typeof(BatchRequest))]
[JsonSerializable(typeof(BatchResponse))]
[JsonSerializable(typeof(ReleaseRequest))]
[JsonSerializable(typeof(ReleaseResponse))]
[JsonSerializable(typeof(RenewRequest))]
[JsonSerializable(typeof(RenewResponse))]
[JsonSerializable(typeof(ReleaseHoldsRequest))]
[JsonSerializable(typeof(HoldPage))]
[JsonSerializable(typeof(ExplainResponse))]
[JsonSerializable(typeof(WhyNotResponse))]
[JsonSerializable(typeof(DecisionResponse))]
[JsonSerializable(typeof(FeedbackRequest))]
[JsonSerializable(typeof(FeedbackResponse))]
[JsonSerializable(typeof(FeedbackPage))]
[JsonSerializable(typeof(TrustResetResponse))]
[JsonSerializable(typeof(HealthResponse))]
[JsonSerializable(typeof(MinerPage))]
[JsonSerializable(typeof(MinerSnapshot))]
[JsonSerializable(typeof(KeyResponse))]
[JsonSerializable(typeof(RevokeResponse))]
[JsonSerializable(typeof(KeyPage))]
[JsonSerializable(typeof(AuditPage))]
[JsonSerializable(typeof(CommandRequest))]
[JsonSerializable(typeof(CommandResponse))]
[JsonSerializable(typeof(PriceRequest))]
[JsonSerializable(typeof(PriceResponse))]
[JsonSerializable(typeof(BansResponse))]
[JsonSerializable(typeof(LiftResponse))]
[JsonSerializable(typeof(AcceptLossResponse))]
[JsonSerializable(typeof(Problem))]
public sealed partial class HubJson : JsonSerializerContext;

/// <summary>A price as a JSON number, such as 0.75.</summary>
public sealed class TokenPriceConverter : JsonConverter<TokenPrice>
{
    /// <inheritdoc/>
    public override TokenPrice Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.Number)
        {
            throw new JsonException("must be a number");
        }
        if (!reader.TryGetDecimal(out decimal tokens) || !TokenPrice.TryFromTokens(tokens, out TokenPrice price))
        {
            throw new JsonException($"must be from 0 to {TokenPrice.Max}");
        }
        return price;
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, TokenPrice value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value.Tokens);
}
