using Handwritten.Runtime.Settings;
using Handwritten.Server.Requests;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Handwritten.Server.OpenAi;

/// <summary>Adds the settings that a transcription has, under the names that the command line gives them, to the OpenAPI document.</summary>
internal sealed class SettingFields : IOpenApiSchemaTransformer
{
    public Task TransformAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        if (context.JsonTypeInfo.Type == typeof(TranscriptionForm))
        {
            schema.Properties ??= new Dictionary<string, IOpenApiSchema>();
            Add(schema.Properties, TranscriptionSettings.All.Where(setting => setting.Name != "task")); // which the address says
            Add(schema.Properties, TranscriptionRequest.WindowSettings);
            Add(schema.Properties, LayoutSettings.All);
        }

        return Task.CompletedTask;
    }

    private static void Add<TOptions>(IDictionary<string, IOpenApiSchema> properties, IEnumerable<Setting<TOptions>> settings)
    {
        foreach (Setting<TOptions> setting in settings)
        {
            properties[setting.Name] = new OpenApiSchema { Type = Enum.Parse<JsonSchemaType>(setting.JsonType, ignoreCase: true), Description = setting.Description };
        }
    }
}
